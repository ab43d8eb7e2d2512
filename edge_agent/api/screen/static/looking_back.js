// History and evidence: pictures that are no longer kept, boxes on and off, printing.
"use strict";
(function () {
  // Errors of pictures do not bubble, but they are captured.
  document.addEventListener("error", (event) => gone(event.target), true);
  document.querySelectorAll("img").forEach((image) => {
    if (image.complete && !image.naturalWidth && image.loading !== "lazy") gone(image);
  });

  function gone(image) {
    if (!(image instanceof HTMLImageElement)) return;
    const said = document.createElement("span");
    said.className = "gone";
    said.textContent = image.dataset.gone || "";
    image.replaceWith(said);
  }

  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  document.querySelectorAll("[data-boxes]").forEach((box) => {
    box.closest("label").hidden = false;
    const boxes = box.closest("figure").querySelector(".boxes");
    box.addEventListener("change", () => boxes.classList.toggle("is-off", !box.checked));
  });
})();
