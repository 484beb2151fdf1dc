// Curves of a training's hardware, one request for each that comes into view, again every half minute while it runs.
(() => {
  const room = document.querySelector("[data-hardware]");
  if (!room || !window.uPlot) return;
  const { axis, line, plot, clear, watch, onTheme } = window.taasCharts;
  const HEIGHT = 220;
  const AGAIN_MS = 30000;
  const UNITS = { cpu: short, memory: bytes, network_in: (y) => `${bytes(y)}/s`, network_out: (y) => `${bytes(y)}/s`, gpu: (y) => `${short(y)} %` };
  const POWERS = Array.from({ length: 48 }, (_, power) => 2 ** power); // so that bytes have round ticks
  function short(value) {
    return String(Number(value.toPrecision(3)));
  }

  function bytes(value) {
    let rest = value;
    for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
      if (Math.abs(rest) < 1024 || unit === "TiB") return `${short(rest)} ${unit}`;
      rest /= 1024;
    }
  }

  const charts = [...room.querySelectorAll("[data-chart]")].map((place) => ({
    place, metric: place.dataset.chart, note: place.parentElement.querySelector("[data-note]"), height: HEIGHT, found: null, plot: null, visible: false, busy: false, end: "",
  }));

  async function refresh(chart) {
    if (chart.busy) return;
    chart.busy = true;
    try {
      const answer = await fetch(`/api/v1/trainings/${room.dataset.hardware}/hardware?metric=${chart.metric}`);
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail || `status ${answer.status}`);
      chart.done = chart.end === body.end; // it has ended: nothing new will come
      chart.end = body.end;
      chart.found = body;
      draw(chart);
    } catch (problem) {
      chart.note.textContent = problem.message;
    } finally {
      chart.busy = false;
    }
  }

  function draw(chart) {
    clear(chart);
    const { items, per } = chart.found;
    chart.place.hidden = !items.length;
    chart.note.textContent = !items.length ? "Prometheus has none for this training" : per === "role" ? "the highest task of each role" : "";
    if (!items.length) return;
    const said = UNITS[chart.metric];
    const options = {
      cursor: { sync: { key: "taas-hardware" }, points: { size: 6 } },
      scales: { x: { range: [Date.parse(chart.found.begin) / 1000, Date.parse(chart.found.end) / 1000] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] } },
      axes: [axis(), axis({ size: 74, incrs: said === short || chart.metric === "gpu" ? undefined : POWERS, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : said(tick))) })],
      series: [
        { label: "Time", value: (_, x) => (x === null ? "–" : new Date(x * 1000).toLocaleString()) },
        ...items.map((curve, at) => ({
          ...line(at, curve.times.length),
          label: curve.name,
          value: (_, y) => (y === null || y === undefined ? "–" : said(y)),
        })),
      ],
    };
    plot(chart, options, items.map((curve) => [curve.times, curve.values]));
  }

  for (const chart of charts) watch(chart, () => { if (!chart.found) refresh(chart); });
  setInterval(() => {
    if (document.hidden) return;
    for (const chart of charts) if (!chart.done && (chart.visible || chart.place.hidden)) refresh(chart);
  }, AGAIN_MS);
  onTheme(() => charts.forEach((chart) => chart.found && draw(chart)));
})();
