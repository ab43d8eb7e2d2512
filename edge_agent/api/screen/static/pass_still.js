// The still of each tray: the newest picture, again and again, while a tray lies there and somebody looks.
"use strict";
(function () {
  const EVERY_MS = 300;
  const OLD_MS = 500; // a picture that is older says so
  const TIMEOUT_MS = 3000;

  function watch(canvas) {
    const figure = canvas.closest("figure");
    const caption = figure.querySelector("figcaption");
    let shownMs = 0; // when the picture on the canvas was taken
    let under_way = false;

    async function fetchOne() {
      const asking = new AbortController();
      const timer = setTimeout(() => asking.abort(), TIMEOUT_MS);
      try {
        const answer = await fetch(canvas.dataset.still, { signal: asking.signal, headers: { Accept: "image/jpeg" } });
        if (!answer.ok) return;
        const takenMs = performance.now() - Number(answer.headers.get("X-Picture-Age-Ms"));
        const picture = await createImageBitmap(await answer.blob());
        canvas.width = picture.width;
        canvas.height = picture.height;
        canvas.getContext("2d").drawImage(picture, 0, 0);
        picture.close();
        shownMs = takenMs;
      } catch {
        // No connection: the picture grows old, and says so.
      } finally {
        clearTimeout(timer);
      }
    }

    setInterval(() => {
      const isOld = performance.now() - shownMs > OLD_MS + EVERY_MS;
      figure.classList.toggle("is-old", isOld);
      const said = isOld ? (shownMs ? caption.dataset.old : caption.dataset.none) : "";
      if (caption.textContent !== said) caption.textContent = said;
      canvas.dataset.ageMs = String(Math.round(performance.now() - shownMs));
      if (figure.hidden) {
        shownMs = 0;
        canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
      } else if (!under_way && !document.hidden) {
        under_way = true;
        fetchOne().finally(() => { under_way = false; });
      }
    }, EVERY_MS);
  }

  document.querySelectorAll("canvas[data-still]").forEach(watch);
})();
