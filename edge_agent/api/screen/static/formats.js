// Numbers and times as the browser's locale writes them, times in the restaurant's zone, wherever the browser stands.
// What the server wrote stands there until this has run.
//   <time datetime="2026-01-31T12:00:00Z" data-format="date|time|both|exact|clock|stamp|day|wall|age">
//   <data value="0.125" data-format="number|seconds|percent" data-digits="so many behind the point, if it says so">
"use strict";
(function () {
  const SECOND_MS = 1000;
  const times = {
    date: here({ dateStyle: "medium" }),
    time: here({ timeStyle: "short" }),
    both: here({ dateStyle: "medium", timeStyle: "short" }),
    exact: here({ dateStyle: "medium", timeStyle: "medium" }),
    clock: here({ timeStyle: "medium" }),
    stamp: here({ dateStyle: "full", timeStyle: "long" }),
    // A day is a day everywhere, and a clock on a wall shows what it shows: read as UTC, so written as UTC.
    wall: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }),
    day: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" }),
  };
  const numbers = {
    number: { maximumFractionDigits: 1 },
    seconds: { maximumFractionDigits: 2 },
    percent: { style: "percent", maximumFractionDigits: 1 },
  };
  const made = {};
  const units = [["second", "narrow"], ["minute", "short"], ["hour", "short"]].map(
    ([unit, unitDisplay]) => new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay })
  );
  // The box's clock, not the tablet's, says how old something is: live.js keeps the difference, null until it is heard.
  window.formats = { aheadMs: document.querySelector("[data-stream]") ? null : 0, format: formatAll, time: times.time };

  function here(style) {
    try {
      return new Intl.DateTimeFormat(undefined, { ...style, timeZone: document.documentElement.dataset.zone });
    } catch {
      return new Intl.DateTimeFormat(undefined, style); // an old browser may not know the zone
    }
  }

  function age(since) {
    if (window.formats.aheadMs === null) return "";
    const seconds = Math.max(0, Math.floor((Date.now() + window.formats.aheadMs - since) / SECOND_MS));
    if (seconds < 60) return units[0].format(seconds);
    return seconds < 3600 ? units[1].format(Math.floor(seconds / 60)) : units[2].format(Math.floor(seconds / 3600));
  }

  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function formatTime(element) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) return;
    const format = element.dataset.format || "both";
    put(element, format === "age" ? age(at) : (times[format] || times.both).format(at));
  }

  function numberFormat(name, digits) {
    const known = name + "." + digits;
    if (!made[known]) {
      const exact = digits === undefined ? {} : { minimumFractionDigits: Number(digits), maximumFractionDigits: Number(digits) };
      made[known] = new Intl.NumberFormat(undefined, { ...(numbers[name] || numbers.number), ...exact });
    }
    return made[known];
  }

  function formatNumber(element) {
    const value = Number(element.value);
    if (!Number.isNaN(value)) put(element, numberFormat(element.dataset.format, element.dataset.digits).format(value));
  }

  function formatAll(root) {
    root.querySelectorAll("time[datetime]").forEach(formatTime);
    root.querySelectorAll("data[value]").forEach(formatNumber);
  }

  document.addEventListener("htmx:load", (event) => formatAll(event.detail.elt.parentElement || document));
  setInterval(() => document.querySelectorAll('time[data-format="age"]').forEach(formatTime), SECOND_MS);
  formatAll(document);
})();
