// Drawing the slots: corners are buttons that a finger drags and arrow keys move; a slot is dragged by its middle.
"use strict";
(function () {
  const form = document.getElementById("drawing");
  if (!form) return;
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 0.01;
  const BIG_STEP = 0.05;
  const board = form.querySelector(".board");
  const shapes = form.querySelector(".shapes");
  const handles = form.querySelector(".handles");
  const said = form.querySelector("[data-said]");
  const most = JSON.parse(form.dataset.most);
  const taken = new Set(JSON.parse(form.dataset.taken));
  let slots = JSON.parse(form.dataset.drawing);
  let chosen = 0;
  let corner = 0;

  const within = (share) => Math.min(1, Math.max(0, share));
  const rounded = (share) => Math.round(within(share) * 1000) / 1000;
  const percent = (share) => Math.round(share * 100);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function draw() {
    shapes.replaceChildren(...slots.map(shapeOf));
    const focused = document.activeElement && document.activeElement.dataset.at;
    handles.replaceChildren(...slots.flatMap((slot, s) => [titleOf(slot, s), ...slot.corners.map((_, c) => handleOf(s, c))]));
    if (focused) {
      const again = handles.querySelector(`[data-at="${focused}"]`);
      if (again) again.focus({ preventScroll: true });
    }
    form.elements.drawing.value = JSON.stringify(slots);
    form.querySelector('[data-act="add"]').disabled = slots.length >= most.slots;
    form.querySelector('[data-act="remove"]').disabled = slots.length < 2;
    form.querySelector('[data-act="corner"]').disabled = !slots[chosen] || slots[chosen].corners.length >= most.corners;
    form.querySelector('[data-act="uncorner"]').disabled = !slots[chosen] || slots[chosen].corners.length < 4;
  }

  function shapeOf(slot, s) {
    const polygon = document.createElementNS(SVG, "polygon");
    polygon.setAttribute("points", slot.corners.map(([x, y]) => `${x * 100},${y * 100}`).join(" "));
    polygon.setAttribute("class", s === chosen ? "shape is-chosen" : "shape");
    polygon.addEventListener("pointerdown", (event) => {
      choose(s, 0);
      drag(event, slot.corners.map((point) => [...point]), (from, x, y) => {
        const dx = Math.max(Math.min(x, 1 - Math.max(...from.map((p) => p[0]))), -Math.min(...from.map((p) => p[0])));
        const dy = Math.max(Math.min(y, 1 - Math.max(...from.map((p) => p[1]))), -Math.min(...from.map((p) => p[1])));
        slots[s].corners = from.map((point) => [rounded(point[0] + dx), rounded(point[1] + dy)]);
      });
    });
    return polygon;
  }

  function titleOf(slot, s) {
    const middle = [0, 1].map((axis) => slot.corners.reduce((sum, point) => sum + point[axis], 0) / slot.corners.length);
    const title = document.createElement("span");
    title.className = "slot-title";
    title.textContent = String(s + 1);
    title.style.left = `${middle[0] * 100}%`;
    title.style.top = `${middle[1] * 100}%`;
    return title;
  }

  function handleOf(s, c) {
    const [x, y] = slots[s].corners[c];
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = s === chosen ? "corner is-chosen" : "corner";
    handle.dataset.at = `${s}-${c}`;
    handle.style.left = `${x * 100}%`;
    handle.style.top = `${y * 100}%`;
    handle.setAttribute("aria-label", filled(form.dataset.sayCorner, { place: s + 1, corner: c + 1, x: percent(x), y: percent(y) }));
    handle.addEventListener("focus", () => choose(s, c));
    handle.addEventListener("pointerdown", (event) => {
      handle.focus({ preventScroll: true });
      drag(event, [...slots[s].corners[c]], (from, dx, dy) => {
        slots[s].corners[c] = [rounded(from[0] + dx), rounded(from[1] + dy)];
      });
    });
    handle.addEventListener("keydown", (event) => onKey(event, s, c));
    return handle;
  }

  function onKey(event, s, c) {
    const step = event.shiftKey ? BIG_STEP : STEP;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) {
      const [x, y] = slots[s].corners[c];
      slots[s].corners[c] = [rounded(x + by[0]), rounded(y + by[1])];
    } else if (event.key === "Delete" && slots[s].corners.length > 3) {
      slots[s].corners.splice(c, 1);
    } else {
      return;
    }
    event.preventDefault();
    draw();
    const point = slots[s].corners[Math.min(c, slots[s].corners.length - 1)];
    said.textContent = filled(form.dataset.sayMoved, { x: percent(point[0]), y: percent(point[1]) });
  }

  function choose(s, c) {
    corner = c;
    if (chosen === s) return;
    chosen = s;
    draw();
  }

  // Follows the pointer from where it went down; `move` is told how far it is, in shares of the picture.
  function drag(event, from, move) {
    event.preventDefault();
    const frame = board.getBoundingClientRect();
    const follow = (moved) => {
      move(from, (moved.clientX - event.clientX) / frame.width, (moved.clientY - event.clientY) / frame.height);
      draw();
    };
    const end = () => {
      window.removeEventListener("pointermove", follow);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
    };
    window.addEventListener("pointermove", follow);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  }

  const acts = {
    add() {
      let number = 1;
      while (taken.has(nameOf(number)) || slots.some((slot) => slot.id === nameOf(number))) number += 1;
      const left = rounded(0.1 + 0.12 * slots.length);
      slots.push({ id: nameOf(number), corners: [[left, 0.3], [rounded(left + 0.25), 0.3], [rounded(left + 0.25), 0.7], [left, 0.7]] });
      chosen = slots.length - 1;
    },
    remove() {
      slots.splice(chosen, 1);
      chosen = Math.max(0, chosen - 1);
    },
    corner() {
      const corners = slots[chosen].corners;
      const next = (n) => corners[(n + 1) % corners.length];
      const sides = corners.map((point, n) => Math.hypot(next(n)[0] - point[0], next(n)[1] - point[1]));
      const longest = sides.indexOf(Math.max(...sides));
      const [a, b] = [corners[longest], next(longest)];
      corners.splice(longest + 1, 0, [rounded((a[0] + b[0]) / 2), rounded((a[1] + b[1]) / 2)]);
    },
    uncorner() {
      slots[chosen].corners.splice(Math.min(corner, slots[chosen].corners.length - 1), 1);
    },
  };
  const nameOf = (number) => `slot-${number}`;

  form.querySelectorAll("[data-act]").forEach((button) => {
    button.addEventListener("click", () => {
      acts[button.dataset.act]();
      draw();
      said.textContent = filled(form.dataset.saySlot, { place: chosen + 1, count: slots.length });
    });
  });

  draw();
})();
