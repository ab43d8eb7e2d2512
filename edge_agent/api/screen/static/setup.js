// Set-up: live pictures, the best focus so far, the slider's row, waiting for a new start.
//   <canvas data-picture="/setup/cameras/pass/picture.jpg">   <article data-restarting="/setup">
"use strict";
(function () {
  const EVERY_MS = 1000;
  const TIMEOUT_MS = 4000;

  // Our policy allows no blob: addresses; a canvas takes the bytes as they are.
  function watch(canvas) {
    const none = canvas.parentElement.querySelector("[data-none]");
    let under_way = false;

    async function fetchOne() {
      const asking = new AbortController();
      const timer = setTimeout(() => asking.abort(), TIMEOUT_MS);
      try {
        const answer = await fetch(canvas.dataset.picture, { signal: asking.signal, headers: { Accept: "image/jpeg" } });
        await show(answer.ok ? await answer.blob() : null);
      } catch {
        await show(null);
      } finally {
        clearTimeout(timer);
      }
    }

    async function show(blob) {
      if (blob) {
        const picture = await createImageBitmap(blob);
        canvas.width = picture.width;
        canvas.height = picture.height;
        canvas.getContext("2d").drawImage(picture, 0, 0);
        picture.close();
      }
      canvas.hidden = !blob;
      none.hidden = Boolean(blob);
    }

    function again() {
      if (under_way || document.hidden) return;
      under_way = true;
      fetchOne().finally(() => { under_way = false; });
    }

    again();
    setInterval(again, EVERY_MS);
  }

  document.querySelectorAll("canvas[data-picture]").forEach(watch);

  // Turning a lens, one looks for the highest value: a mark stays where it was.
  const best = {};
  function markBest(root) {
    root.querySelectorAll("svg[data-best]").forEach((svg) => {
      const name = svg.dataset.best;
      const full = Number(svg.querySelector(".full").getAttribute("width"));
      best[name] = Math.max(best[name] || 0, full);
      svg.querySelector(".best").setAttribute("x", String(Math.min(99, best[name])));
    });
  }
  document.addEventListener("live:shown", (event) => markBest(event.target));
  markBest(document);

  const slider = document.querySelector("input[type=range][data-names]");
  if (slider) {
    const names = new Map(JSON.parse(slider.dataset.names));
    const output = document.querySelector(`output[for="${slider.id}"]`);
    const mark = () => {
      const step = Number(slider.value);
      output.textContent = names.get(step);
      slider.setAttribute("aria-valuetext", names.get(step));
      document.querySelectorAll("[data-position]").forEach((row) => {
        row.classList.toggle("is-chosen", Number(row.dataset.position) === step);
      });
    };
    slider.addEventListener("input", mark);
    document.addEventListener("live:shown", mark);
    mark();
  }

  const restarting = document.querySelector("[data-restarting]");
  if (restarting) {
    let wasGone = false;
    const begunMs = performance.now();
    setInterval(async () => {
      try {
        const answer = await fetch("/healthz", { cache: "no-store" });
        if (answer.ok && (wasGone || performance.now() - begunMs > 8000)) window.location.assign(restarting.dataset.restarting);
      } catch {
        wasGone = true;
      }
    }, 500);
  }
})();
