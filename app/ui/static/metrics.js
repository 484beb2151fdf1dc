// Curves for the metrics that stand in the page's table: drawn when they come into view, again when they have grown.
(() => {
  const room = document.querySelector("[data-charts]");
  const tools = document.querySelector("[data-chart-tools]");
  if (!room || !window.uPlot) return;
  const { axis, line, plot, clear, watch, onTheme } = window.taasCharts;
  const HEIGHT = 240;
  const MOST_POINTS = 1000;
  const KEPT = "taas-charts";
  const charts = new Map(); // by metric
  // As the pages write numbers: in groups of three, by a narrow space.
  const digits = (count) => count.toLocaleString("en").replaceAll(",", "\u202f");
  const set = { axis: "step", smooth: 0, log: false, find: "", ...JSON.parse(localStorage.getItem(KEPT) || "{}"), find: "" };

  // The table is the truth: a chart for each metric in it, and fresh points when its count has changed.
  function look() {
    const counts = new Map();
    for (const row of document.querySelectorAll("[data-metric]")) {
      counts.set(row.dataset.metric, (counts.get(row.dataset.metric) || 0) + Number(row.dataset.count));
    }
    tools.hidden = counts.size === 0;
    for (const [name, count] of counts) {
      const chart = charts.get(name) || made(name);
      chart.count = count;
      chart.figure.hidden = !name.toLowerCase().includes(set.find.toLowerCase());
      if (chart.visible) refresh(chart);
    }
  }

  function made(name) {
    const figure = document.createElement("figure");
    figure.className = "card chart";
    const caption = document.createElement("figcaption");
    const title = document.createElement("h2");
    title.textContent = name;
    const note = document.createElement("span");
    note.className = "quiet";
    caption.append(title, note);
    const place = document.createElement("div");
    place.className = "chart-place";
    place.dataset.chart = name;
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${name} as a curve; its values are in the table below`);
    figure.append(caption, place);
    room.append(figure);
    const chart = { name, figure, place, note, height: HEIGHT, count: 0, drawn: -1, curves: [], plot: null, visible: false, busy: false };
    charts.set(name, chart);
    watch(chart, refresh);
    return chart;
  }

  async function refresh(chart) {
    if (chart.busy || chart.drawn === chart.count) return;
    chart.busy = true;
    const wanted = chart.count;
    const query = new URLSearchParams({ tag: chart.name, max_points: MOST_POINTS });
    for (const id of room.dataset.trainings.split(" ")) query.append("trainings", id);
    try {
      const answer = await fetch(`/api/v1/projects/${encodeURIComponent(room.dataset.charts)}/metrics?${query}`);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      chart.curves = (await answer.json()).items;
      chart.drawn = wanted;
      draw(chart);
    } catch (problem) {
      chart.drawn = wanted; // once more when there is something new
      chart.note.textContent = `The points could not be loaded (${problem.message}).`;
    } finally {
      chart.busy = false;
      if (chart.drawn !== chart.count) refresh(chart);
    }
  }

  // An average that forgets, without its bias towards zero at the beginning; what is no number stays a gap.
  function smoothed(values) {
    if (!set.smooth) return values;
    let sum = 0;
    let count = 0;
    return values.map((value) => {
      if (value === null) return null;
      count += 1;
      sum = sum * set.smooth + value * (1 - set.smooth);
      return sum / (1 - set.smooth ** count);
    });
  }

  function columns(curve) {
    const first = Math.min(...curve.times);
    const along = { step: (at) => curve.steps[at], time: (at) => curve.times[at], since: (at) => curve.times[at] - first }[set.axis];
    const order = curve.steps.map((_, at) => at).sort((a, b) => along(a) - along(b) || a - b);
    const numbers = order.map((at) => curve.values[at]).map((value) => (typeof value === "number" && (!set.log || value > 0) ? value : null));
    return [order.map(along), smoothed(numbers)];
  }

  function draw(chart) {
    const { curves } = chart;
    clear(chart);
    chart.place.replaceChildren();
    tell(chart);
    if (!curves.length) return;
    const many = new Set(curves.map((curve) => curve.number)).size > 1;
    const options = {
      cursor: { sync: { key: "taas-metrics" }, points: { size: 6 } },
      scales: { x: { time: set.axis === "time" }, y: { distr: set.log ? 3 : 1 } },
      axes: [
        axis({ values: set.axis === "since" ? (_, ticks) => ticks.map(span) : undefined }),
        axis({ size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : String(Number(tick.toPrecision(4))))) }),
      ],
      series: [
        { label: { step: "Step", time: "Time", since: "After" }[set.axis], value: (_, x) => (x === null ? "–" : set.axis === "time" ? new Date(x * 1000).toLocaleString() : set.axis === "since" ? span(x) : digits(x)) },
        ...curves.map((curve, at) => ({
          ...line(at, curve.steps.length),
          label: many ? `#${curve.number} ${curve.run === "." ? "" : curve.run}`.trim() : curve.run === "." ? chart.name : curve.run,
          value: (_, y) => (y === null || y === undefined ? "–" : Number(y.toPrecision(5))),
        })),
      ],
    };
    plot(chart, options, curves.map(columns));
  }

  function tell(chart) {
    const notes = [];
    const some = chart.curves.filter((curve) => curve.downsampled);
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    if (some.length) notes.push(`downsampled: ${digits(sum(some.map((curve) => curve.steps.length)))} of ${digits(sum(some.map((curve) => curve.count)))} points`);
    const strange = sum(chart.curves.map((curve) => curve.values.filter((value) => typeof value !== "number").length));
    if (strange) notes.push(`${digits(strange)} no number`);
    const hidden = set.log ? sum(chart.curves.map((curve) => curve.values.filter((value) => value <= 0).length)) : 0;
    if (hidden) notes.push(`${digits(hidden)} not above zero, not shown`);
    if (!chart.curves.length) notes.push("no points yet");
    chart.note.textContent = notes.join(" · ");
  }

  function span(seconds) {
    if (seconds === null) return "";
    const parts = [[Math.floor(seconds / 3600), "h"], [Math.floor(seconds / 60) % 60, "min"], [Number((seconds % 60).toFixed(seconds < 10 ? 1 : 0)), "s"]];
    return parts.filter(([count]) => count).slice(0, 2).map(([count, unit]) => `${count} ${unit}`).join(" ") || "0 s";
  }

  function again() {
    document.querySelector("[data-chart-smooth]").textContent = Number(set.smooth).toFixed(2);
    for (const chart of charts.values()) if (chart.drawn >= 0) draw(chart);
  }

  for (const input of tools.querySelectorAll("[data-chart-set]")) {
    const name = input.dataset.chartSet;
    if (input.type === "checkbox") input.checked = set[name]; else input.value = set[name];
    input.addEventListener("input", () => {
      set[name] = input.type === "checkbox" ? input.checked : input.type === "range" ? Number(input.value) : input.value;
      localStorage.setItem(KEPT, JSON.stringify(set));
      if (name === "find") look(); else again();
    });
  }
  document.addEventListener("htmx:after:swap", look);
  onTheme(again);
  again();
  look();
})();
