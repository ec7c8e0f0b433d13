// The three charts: ten minutes of seconds, one cursor through all of them. uPlot draws; the caption reads the figures out.
import { count, hour, milliseconds, rate, tick, time } from "./words.js";

const SECONDS = 600;
// a page that has just begun shows what there is, a minute at least
const LEAST_SECONDS = 60;
const HEIGHT = 150;
const LEAST_MS = 1;

// one line for each power of ten
function powers(_, __, low, high) {
  const [from, to] = [low, high].map((edge) => Math.round(Math.log10(edge)));
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
}

function span(_, first, last) {
  return [last - Math.min(SECONDS, Math.max(LEAST_SECONDS, last - first)), last];
}

function clock({ scales: { x } }, splits) {
  return splits.map(x.max - x.min < SECONDS / 2 ? time : hour);
}

const log = {
  distr: 3,
  range: (_, low, high) => [
    10 ** Math.floor(Math.log10(Math.max(LEAST_MS, low ?? LEAST_MS))),
    10 ** Math.ceil(Math.log10(Math.max(10 * LEAST_MS, (high ?? 0) * 1.05))),
  ],
};
const linear = { range: (_, __, high) => [0, Math.max(1, (high ?? 0) * 1.15)] };

const CHARTS = {
  rows: { y: linear, words: rate, axis: rate, series: [{ name: "rows", fill: true }, { name: "dead" }] },
  latency: { y: log, words: milliseconds, axis: tick, splits: powers, series: [{ name: "p99" }, { name: "p95" }, { name: "p50", width: 2 }] },
  lag: { y: linear, words: count, axis: count, series: [{ name: "lag", fill: true }] },
};

export class Charts {
  constructor() {
    this.charts = Object.entries(CHARTS).map(([name, spec]) => new Chart(name, spec));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.charts.forEach((c) => c.draw()));
  }

  update(history, recent) {
    this.charts.forEach((chart) => chart.update(history, recent));
  }
}

class Chart {
  constructor(name, spec) {
    this.spec = spec;
    this.figure = document.getElementById(`chart-${name}`);
    this.place = this.figure.querySelector(".plot");
    this.when = this.figure.querySelector(".when");
    this.data = [[], ...spec.series.map(() => [])];
    this.recent = {};
    this.draw();
    new ResizeObserver(() => this.plot.setSize({ width: this.place.clientWidth, height: HEIGHT })).observe(this.place);
  }

  update(history, recent) {
    // zero has no logarithm
    const floor = this.spec.y === log ? (v) => (v == null ? null : Math.max(LEAST_MS, v)) : (v) => v;
    this.data = [history.at, ...this.spec.series.map(({ name }) => history[name].map(floor))];
    this.exact = history;
    this.recent = recent;
    this.plot.setData(this.data);
    this.read();
  }

  // the caption tells the figures under the cursor, or else those of now
  read() {
    const at = this.plot.cursor.idx;
    const under = at != null && this.data[0][at] != null;
    this.when.textContent = under ? `at ${time(this.data[0][at])}` : "";
    this.spec.series.forEach(({ name }) => {
      const shown = this.figure.querySelector(`[data-series="${name}"] dd`);
      const figure = this.spec.words(under ? this.exact[name][at] : this.recent[name]);
      if (shown.textContent !== figure) shown.textContent = figure;
    });
  }

  draw() {
    this.plot?.destroy();
    const style = getComputedStyle(this.figure);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("faint"),
      font: `11px ${style.fontFamily}`,
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
    };
    const series = this.spec.series.map(({ name, fill, width }) => ({
      stroke: colour(name),
      width: width ?? 1.5,
      fill: fill ? colour(`${name}-fill`) : undefined,
      points: { show: (_, __, from, to) => to - from < 2, size: 4 },
    }));
    this.plot = new uPlot(
      {
        width: this.place.clientWidth || 300,
        height: HEIGHT,
        padding: [6, 26, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "console" }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { time: true, range: span }, y: this.spec.y },
        axes: [
          { ...axis, size: 24, space: 76, values: clock },
          { ...axis, size: 52, space: 32, splits: this.spec.splits, filter: (_, splits) => splits, values: (_, splits) => splits.map(this.spec.axis) },
        ],
        series: [{}, ...series],
        hooks: { setCursor: [() => this.plot && this.read()] },
      },
      this.data,
      this.place,
    );
  }
}
