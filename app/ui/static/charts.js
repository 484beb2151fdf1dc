// What all charts share: colours of the theme, lines that can be told apart, and when to draw them.
(() => {
  const HUES = 8;
  const DASHES = [[], [8, 4], [2, 3]]; // beside the colour, for those who cannot tell colours apart
  const BORDERS = ["solid", "dashed", "dotted"]; // the same for the marks of the legend
  const watched = new Map(); // by place
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);

  // A canvas knows no variables of CSS.
  function colour(name) {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  }

  function axis(more) {
    const lines = { stroke: colour("--tblr-border-color"), width: 1 };
    return { stroke: colour("--taas-quiet"), grid: lines, ticks: lines, ...more };
  }

  // The line with the number `at` of a chart; a curve of one or two values is shown as points.
  function line(at, count) {
    return { stroke: colour(`--taas-chart-${(at % HUES) + 1}`), width: 2, dash: DASHES[at % DASHES.length], points: { show: count < 3 } };
  }

  // Makes the plot of a chart anew, at the size of its place.
  function plot(chart, options, curves) {
    clear(chart);
    const legend = { markers: { width: 3, dash: (_, number) => BORDERS[(number - 1) % BORDERS.length] } }; // 0 is the axis
    chart.plot = new uPlot({ width: chart.place.clientWidth || 400, height: chart.height, legend, ...options }, uPlot.join(curves), chart.place);
  }

  function clear(chart) {
    chart.plot?.destroy();
    chart.plot = null;
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const [chart, shown] = watched.get(target);
      chart.visible = isIntersecting;
      if (isIntersecting) shown(chart);
    }
  }, { rootMargin: "200px" });
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const [{ plot, height }] = watched.get(target);
      if (plot && target.clientWidth && plot.width !== target.clientWidth) plot.setSize({ width: target.clientWidth, height });
    }
  });

  // `shown` is called whenever the chart comes into view; its plot is as wide as its place.
  function watch(chart, shown) {
    watched.set(chart.place, [chart, shown]);
    seen.observe(chart.place);
    sizes.observe(chart.place);
  }

  function onTheme(again) {
    document.addEventListener("click", (event) => { if (event.target.closest("[data-theme]")) setTimeout(again); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  window.taasCharts = { axis, line, plot, clear, watch, onTheme };
})();
