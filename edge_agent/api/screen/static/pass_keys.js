// Keys: a USB bump bar is a keyboard. Which key does what is kept on the tablet; docs/screen.md names the usual ones.
"use strict";
(function () {
  const USUAL = { fixed: "f", system_wrong: "w", undo: "u", bump: "b", recall: "r", assign: "o", mute: "m", next: "n" };
  const KEPT = "keys";
  const panel = document.getElementById("keys");
  const choose = document.getElementById("choose");
  const places = Array.from(document.querySelectorAll("[data-place]"));
  places.forEach((place) => { USUAL[`place-${place.dataset.place}`] = place.dataset.place; });
  let keys = { ...USUAL, ...read() };
  let changing = null;
  let chosen = null;

  function read() {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) || {};
    } catch {
      return {};
    }
  }

  function keep() {
    try {
      localStorage.setItem(KEPT, JSON.stringify(keys));
    } catch {
      // A browser that keeps nothing has the usual keys after a reload.
    }
  }

  function show() {
    panel.querySelectorAll("[data-key-of]").forEach((kbd) => {
      const name = kbd.dataset.keyOf;
      kbd.textContent = changing === name ? panel.dataset.press : keys[name] || "–";
    });
  }

  function choosePlace(place) {
    chosen = place;
    places.forEach((each) => each.classList.toggle("is-chosen", each === place));
  }

  // Without a choice: the place that is red, else the first with a tray.
  function current() {
    if (chosen) return chosen;
    return places.find((place) => place.dataset.look === "wrong") || places.find((place) => place.querySelector("[data-do]")) || places[0];
  }

  function act(action) {
    if (action.startsWith("place-")) return choosePlace(places[Number(action.slice(6)) - 1]);
    if (action === "next") return choosePlace(places[(places.indexOf(chosen) + 1) % places.length]);
    if (action === "recall") return recallLast();
    const within = action === "mute" ? document : current();
    const button = Array.from(within.querySelectorAll(`[data-do="${action}"]`)).find((each) => !each.closest("[hidden]"));
    if (button) button.click();
  }

  function recallLast() {
    htmx.ajax("POST", "/pass/recall", { swap: "none" });
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (changing) {
      event.preventDefault();
      if (event.key !== "Escape") {
        Object.keys(keys).forEach((name) => { if (keys[name] === event.key) delete keys[name]; });
        keys[changing] = event.key;
        keep();
      }
      changing = null;
      return show();
    }
    if (event.target.closest("input, select, textarea")) return;
    if (choose.open) {
      const choice = choose.querySelector(`[data-choice="${CSS.escape(event.key)}"]`);
      if (choice) choice.click();
      return;
    }
    const action = Object.keys(keys).find((name) => keys[name] === event.key);
    // A key that also works the page (Enter, space) does so where a control has the focus.
    if (!action || (event.key.length > 1 && event.target.closest("button, a, summary"))) return;
    event.preventDefault();
    act(action);
  }

  panel.addEventListener("click", (event) => {
    const change = event.target.closest("[data-change-key]");
    if (change) changing = change.dataset.changeKey;
    if (event.target.closest("[data-reset-keys]")) {
      keys = { ...USUAL };
      keep();
    }
    show();
  });
  document.addEventListener("keydown", onKey);
  show();
})();
