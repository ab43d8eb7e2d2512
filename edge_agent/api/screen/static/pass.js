// The crew's page: carries a card's state to its frame, says it aloud to screen readers, lets changes flash, opens choices.
"use strict";
(function () {
  const FLASH_MS = 6000;
  const STEADY_MS = 400; // a finger that is on its way must not press what has just come to stand there
  const ARMED_MS = 700; // a double tap on an answer must not take it back
  const announcer = document.getElementById("announcer");
  const choose = document.getElementById("choose");
  const told = new Map(); // place -> what was said of it last
  const armed = new Map(); // alert -> since when its answer can be taken back
  let tickets = null; // key -> {html, revision, flashUntil}

  function showCard(live) {
    const band = live.querySelector(".band");
    const place = live.closest(".slot");
    if (!band || !place) return;
    place.dataset.look = band.dataset.look;
    place.querySelector("figure").hidden = band.dataset.still !== "on";
    const subject = [band.dataset.session, band.dataset.alert].join(" ");
    const before = told.get(place);
    const said = band.querySelector(".state").textContent.replace(/\s+/g, " ").trim();
    if (!before || before.subject !== subject) makeSteady(place, subject);
    if (before && before.said !== said) announcer.textContent = said;
    told.set(place, { subject, said });
    const undo = live.querySelector("[data-arm]");
    if (undo) arm(undo);
  }

  function makeSteady(place, subject) {
    delete place.dataset.steady;
    setTimeout(() => {
      if (told.get(place).subject === subject) place.dataset.steady = "yes";
    }, STEADY_MS);
  }

  function arm(undo) {
    const now = performance.now();
    const alert = undo.dataset.arm;
    if (!armed.has(alert)) {
      armed.clear();
      armed.set(alert, now);
    }
    const left_ms = armed.get(alert) + ARMED_MS - now;
    if (left_ms <= 0) return;
    undo.disabled = true;
    setTimeout(() => { undo.disabled = false; }, left_ms);
  }

  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest(".actions button");
      if (button && event.isTrusted && !button.closest(".slot").dataset.steady) {
        event.preventDefault();
        event.stopPropagation();
      }
    },
    true
  );

  function showQueue(live) {
    const now = performance.now();
    const seen = new Map();
    live.querySelectorAll("[data-ticket]").forEach((ticket) => {
      const key = ticket.dataset.ticket;
      const content = ticket.querySelector(".lines").textContent + ticket.dataset.revision;
      const before = tickets && tickets.get(key);
      let flashUntil = before ? before.flashUntil : 0;
      const isChanged = Boolean(before) && before.content !== content;
      if (tickets && (!before || isChanged)) flashUntil = now + FLASH_MS;
      if (flashUntil > now) flash(ticket, isChanged || (before && before.isChanged), live.dataset.changed);
      seen.set(key, { content, flashUntil, isChanged: isChanged || Boolean(before && before.isChanged && flashUntil > now) });
    });
    tickets = seen;
  }

  function flash(ticket, isChanged, word) {
    ticket.classList.add("flash");
    if (!isChanged) return;
    const tag = document.createElement("span");
    tag.className = "tag tag-changed";
    tag.textContent = word;
    ticket.querySelector(".tags").prepend(tag);
    setTimeout(() => tag.remove(), FLASH_MS);
  }

  function show(live) {
    if (live.dataset.live === "queue") showQueue(live);
    if (live.dataset.live.startsWith("slot-")) showCard(live);
  }

  document.addEventListener("live:shown", (event) => show(event.target));
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target; // none where live.js put a region in its place
    if (!target) return;
    if (target.id === "choose-body" && !choose.open) choose.showModal();
    if (target.dataset.live) target.dispatchEvent(new CustomEvent("live:shown", { bubbles: true }));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    const isDone = requestConfig.verb === "post" && xhr.status >= 200 && xhr.status < 300;
    if (choose.open && choose.contains(elt) && isDone) choose.close();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) choose.close();
  });
  document.querySelectorAll("[data-live]").forEach(show);
})();
