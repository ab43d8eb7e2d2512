// The audit's counters: a tap on a thing counts one more. Without this script its number is typed.
"use strict";
(function () {
  document.querySelectorAll(".counter").forEach((counter) => {
    const input = counter.querySelector("input[type=number]");
    const less = counter.querySelector(".less");
    const more = counter.querySelector(".more");
    const most = Number(input.max);

    function change(by) {
      const count = Math.min(most, Math.max(0, (Number(input.value) || 0) + by));
      input.value = String(count);
      show();
    }

    function show() {
      const count = Number(input.value) || 0;
      counter.classList.toggle("has", count > 0);
      less.disabled = count === 0;
      more.disabled = count >= most;
    }

    less.hidden = more.hidden = false;
    less.addEventListener("click", () => change(-1));
    more.addEventListener("click", () => change(1));
    counter.querySelector("label").addEventListener("click", (event) => {
      event.preventDefault(); // else a tap would open the tablet's keyboard
      change(1);
    });
    input.addEventListener("input", show);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("keydown", (event) => {
      if (event.key !== "+" && event.key !== "-") return;
      event.preventDefault();
      change(event.key === "+" ? 1 : -1);
    });
    show();
  });
})();
