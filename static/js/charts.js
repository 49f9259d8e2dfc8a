// Draws the charts. Data comes from JSON blocks in the page, colours from the stylesheet's tokens.
(() => {
  "use strict";

  const charts = new Map();
  const CALM = matchMedia("(prefers-reduced-motion: reduce)");

  // A custom property may hold `light-dark(…)`: only a real element tells which colour that is now.
  function colour(token, css = "") {
    const probe = document.createElement("span");
    probe.className = css;
    probe.hidden = true;
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    probe.style.display = "inline";
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  function palette() {
    return {
      ink: colour("--ink"), soft: colour("--ink-soft"), line: colour("--line"), accent: colour("--accent"),
      raised: colour("--raised"),
    };
  }

  function read(canvas) {
    const source = document.getElementById(canvas.dataset.source);
    return source ? JSON.parse(source.textContent) : null;
  }

  function common(colours) {
    return {
      responsive: true,
      layout: { padding: { right: 6 } },
      maintainAspectRatio: false,
      animation: CALM.matches ? false : { duration: 350 },
      interaction: { mode: "nearest", axis: "x", intersect: false },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: colours.ink, titleColor: colours.raised, bodyColor: colours.raised,
          displayColors: false, padding: 10, cornerRadius: 6,
        },
      },
    };
  }

  const axis = (colours) => ({
    grid: { color: colours.line, drawTicks: false },
    border: { display: false },
    ticks: { color: colours.soft, padding: 8, maxRotation: 0, autoSkipPadding: 24 },
  });

  function throughput(canvas, data) {
    const colours = palette();
    return new Chart(canvas, {
      type: "bar",
      data: {
        labels: data.labels,
        datasets: [{
          data: data.counts, backgroundColor: colours.accent, borderRadius: 2,
          categoryPercentage: 1, barPercentage: 0.78, minBarLength: 0,
        }],
      },
      options: {
        ...common(colours),
        scales: {
          x: { ...axis(colours), grid: { display: false } },
          y: { ...axis(colours), beginAtZero: true, suggestedMax: 4, ticks: { ...axis(colours).ticks, precision: 0, maxTicksLimit: 5 } },
        },
        plugins: {
          ...common(colours).plugins,
          tooltip: {
            ...common(colours).plugins.tooltip,
            callbacks: { label: (item) => `${item.raw} event${item.raw === 1 ? "" : "s"}` },
          },
        },
      },
    });
  }

  const bands = {
    id: "bands",
    beforeDatasetsDraw(chart, _args, options) {
      const { ctx, chartArea, scales } = chart;
      for (const band of options.bands ?? []) {
        const top = band.to === null ? chartArea.top : Math.max(chartArea.top, scales.y.getPixelForValue(band.to));
        const bottom = Math.min(chartArea.bottom, scales.y.getPixelForValue(band.from));
        if (bottom <= top) continue;
        ctx.save();
        ctx.fillStyle = band.soft;
        ctx.fillRect(chartArea.left, top, chartArea.width, bottom - top);
        if (bottom - top > 15) {
          ctx.fillStyle = band.ink;
          ctx.font = `600 11px ${getComputedStyle(document.body).fontFamily}`;
          ctx.textBaseline = "top";
          ctx.fillText(band.name, chartArea.left + 6, top + 3);
        }
        ctx.restore();
      }
    },
  };

  const marker = {
    id: "marker",
    afterDatasetsDraw(chart, _args, options) {
      if (typeof options.at !== "number") return;
      const { ctx, chartArea, scales } = chart;
      const x = Math.min(chartArea.right, Math.max(chartArea.left, scales.x.getPixelForValue(options.at)));
      ctx.save();
      ctx.strokeStyle = options.colour;
      ctx.lineWidth = 2;
      ctx.setLineDash([4, 3]);
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };

  const DAY = 86_400_000;
  const formats = {
    long: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }),
    short: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }),
    exact: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    full: new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }),
  };

  function painted(list) {
    return list.map((band) => ({
      ...band, soft: colour("--rank-soft", band.css), ink: colour("--rank-ink", band.css),
    }));
  }

  function score(canvas, data) {
    const colours = palette();
    const first = data.steps[0]?.x ?? 0;
    const span = (data.steps.at(-1)?.x ?? 0) - first;
    const highest = Math.max(...data.steps.map((step) => step.y), 0);
    const next = data.bands.find((band) => band.from > highest);
    return new Chart(canvas, {
      type: "line",
      data: {
        datasets: [{
          data: data.steps, stepped: "before", clip: 8, borderColor: colours.ink, borderWidth: 2,
          pointRadius: data.steps.length > 80 ? 0 : 2.5, pointBackgroundColor: colours.ink, pointHoverRadius: 5,
        }],
      },
      options: {
        ...common(colours),
        parsing: false,
        scales: {
          x: {
            ...axis(colours), type: "linear", min: first, max: first + Math.max(span, 60_000), grid: { display: false },
            ticks: {
              ...axis(colours).ticks, maxTicksLimit: 6,
              callback: (value) => (span > 2 * DAY ? formats.long : span > 600_000 ? formats.short : formats.exact).format(value),
            },
          },
          y: { ...axis(colours), beginAtZero: true, suggestedMax: next ? next.from : highest * 1.15, grid: { display: false }, ticks: { ...axis(colours).ticks, maxTicksLimit: 6 } },
        },
        plugins: {
          ...common(colours).plugins,
          bands: { bands: painted(data.bands) },
          marker: { at: data.marker, colour: colours.accent },
          tooltip: {
            ...common(colours).plugins.tooltip,
            callbacks: {
              title: (items) => formats.full.format(items[0].raw.x),
              label: (item) => `Score ${item.raw.y.toLocaleString("en-US")}`,
            },
          },
        },
      },
      plugins: [bands, marker],
    });
  }

  const makers = { throughput, score };

  function draw() {
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const data = read(canvas);
      if (!data) continue;
      const text = JSON.stringify(data);
      const known = charts.get(canvas);
      if (known?.text === text) continue;
      if (known && canvas.dataset.chart === "throughput") {
        known.chart.data.labels = data.labels;
        known.chart.data.datasets[0].data = data.counts;
        known.chart.update();
        known.text = text;
        continue;
      }
      if (!makers[canvas.dataset.chart]) continue;
      known?.chart.destroy();
      charts.set(canvas, { chart: makers[canvas.dataset.chart](canvas, data), text });
    }
  }

  function redraw() {
    for (const { chart } of charts.values()) chart.destroy();
    charts.clear();
    draw();
  }

  // Pages with charts of their own add makers and draw again.
  window.leadscoreCharts = { makers, palette, common, axis, draw };

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  document.addEventListener("themechange", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.addEventListener("htmx:afterSettle", draw);
  draw();
})();
