// Draws <div class="plot" data-plot='{"along","xLabel","yLabel","x","series":[{"label","shape","values"}]}'> by uPlot.
// The same numbers stand in a table on the page, which is closed once the plots are there.
"use strict";
(function () {
  const HEIGHT_PX = 260;
  const NARROWEST_PX = 280;
  const HOUR_MS = 3600000;
  const DAY_S = 86400;
  const STEPS = { days: [1, 2, 7, 14, 28].map((n) => n * DAY_S), hours: [1, 2, 3, 6] };
  const DASHES = { 1: [], 2: [10, 5], 3: [2, 4] };
  const BORDERS = ["none", "solid", "dashed", "dotted"]; // what stands for them in the legend
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  const hour = new Intl.DateTimeFormat(undefined, { hour: "numeric", timeZone: "UTC" });
  const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
  const drawn = [];

  function drawAll() {
    while (drawn.length) drawn.pop().destroy();
    document.querySelectorAll("[data-plot]").forEach((element) => drawn.push(draw(element)));
  }

  function draw(element) {
    const data = JSON.parse(element.dataset.plot);
    const colours = getComputedStyle(element);
    const colour = (name) => colours.getPropertyValue(name).trim();
    const place = data.along === "days" ? (x) => day.format(x * 1000) : (x) => hour.format(x * HOUR_MS);
    const font = `14px ${colours.fontFamily}`;
    const axis = { font, labelFont: font, stroke: colour("--plot-text"), grid: { stroke: colour("--plot-grid") }, ticks: { show: false } };
    const options = {
      width: Math.max(NARROWEST_PX, element.clientWidth),
      height: HEIGHT_PX,
      legend: { markers: { width: 3, dash: (_, n) => BORDERS[n] || "solid" } },
      cursor: { drag: { setScale: false } },
      scales: {
        x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
        y: { range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1] },
      },
      axes: [
        { ...axis, label: data.xLabel, labelSize: 22, labelGap: 0, size: 30, space: 70, incrs: STEPS[data.along], values: (_, at) => at.map(place) },
        { ...axis, label: data.yLabel, labelSize: 24, size: 48, values: (_, at) => at.map((n) => number.format(n)) },
      ],
      series: [
        { label: data.xLabel, value: (_, x) => (x === null ? "–" : place(x)) },
        ...data.series.map((series) => ({
          label: series.label,
          stroke: colour(`--plot-${series.shape}`),
          width: 3,
          dash: DASHES[series.shape],
          points: { show: true, size: 7, fill: colour(series.shape === 2 ? "--plot-paper" : `--plot-${series.shape}`) },
          spanGaps: false,
          value: (_, y) => (y === null ? "–" : number.format(y)),
        })),
      ],
    };
    return new uPlot(options, [data.x, ...data.series.map((series) => series.values)], element);
  }

  let waiting = 0;
  function drawSoon() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(drawAll);
  }

  drawAll();
  document.querySelectorAll("details.as-table").forEach((table) => (table.open = false));
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth !== width) drawSoon();
    width = window.innerWidth;
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawSoon);
})();
