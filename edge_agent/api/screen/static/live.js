// The page's stream: puts each region in its place, says when nothing is heard any more, and comes back by itself.
//   <div data-stream="/pass/events" data-shape="...">   <section data-live="queue">   stream.py is the other end.
"use strict";
(function () {
  const LOST_MS = 2200; // the box is heard every 0.8 s
  const LOOK_MS = 200;
  const AGAIN_MS = 1000; // after a refusal
  const HANGING_MS = 4000; // a connection that has said nothing for so long is given up
  const NOTICE_MS = 8000;
  const lost = document.getElementById("lost");
  const notice = document.getElementById("notice");

  document.addEventListener("htmx:sendError", notSent);
  document.addEventListener("htmx:timeout", notSent);
  function notSent() {
    const said = document.createElement("p");
    said.className = "notice";
    said.textContent = notice.dataset.notSent;
    notice.replaceChildren(said);
  }

  // A notice goes by itself: the next glance must not read what is over.
  let noticed = 0;
  new MutationObserver(() => {
    clearTimeout(noticed);
    if (notice.firstElementChild) noticed = setTimeout(() => notice.replaceChildren(), NOTICE_MS);
  }).observe(notice, { childList: true });

  const root = document.querySelector("[data-stream]");
  if (!root) return;
  let source = null;
  let heardMs = performance.now();
  let triedMs = 0;

  function connect() {
    if (source) source.close();
    triedMs = performance.now();
    source = new EventSource(root.dataset.stream);
    source.addEventListener("beat", onBeat);
    names().forEach((name) => source.addEventListener(name, (event) => show(name, event.data)));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) whyRefused();
    };
  }

  function names() {
    return Array.from(document.querySelectorAll("[data-live]"), (element) => element.dataset.live);
  }

  function show(name, html) {
    const element = document.querySelector(`[data-live="${name}"]`);
    htmx.swap(element, html, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    window.formats.format(element);
    element.dispatchEvent(new CustomEvent("live:shown", { bubbles: true }));
  }

  function onBeat(event) {
    const beat = JSON.parse(event.data);
    heardMs = performance.now();
    const isFirst = window.formats.aheadMs === null;
    window.formats.aheadMs = beat.now_ms - Date.now();
    if (isFirst) window.formats.format(document);
    if (beat.shape !== root.dataset.shape) window.location.reload();
    say(false);
  }

  // A refused stream tells no status: ask for it. Whoever is signed out is led to sign in by the page itself.
  function whyRefused() {
    const asking = new AbortController();
    fetch(root.dataset.stream, { headers: { Accept: "text/event-stream" }, signal: asking.signal })
      .then((answer) => {
        if (answer.status === 401 || answer.status === 403) window.location.reload();
        asking.abort();
      })
      .catch(() => {});
  }

  function say(isLost) {
    if (lost.hidden === isLost) {
      lost.hidden = !isLost;
      document.body.classList.toggle("is-lost", isLost);
      document.dispatchEvent(new CustomEvent(isLost ? "live:lost" : "live:found"));
    }
  }

  function look() {
    const now = performance.now();
    if (now - heardMs <= LOST_MS) return;
    say(true);
    const wait = source.readyState === EventSource.CLOSED ? AGAIN_MS : HANGING_MS;
    if (now - Math.max(triedMs, heardMs) > wait) connect();
  }

  connect();
  setInterval(look, LOOK_MS);
})();
