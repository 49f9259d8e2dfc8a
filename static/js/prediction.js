// The two charts of “Which rules predict?”: conversion by band of score, and the ROC curve.
(() => {
  "use strict";

  const { makers, palette, common, axis, draw } = window.leadscoreCharts;
  const share = (value) => `${Math.round(value)}%`;

  // Chart.js draws no error bars: a whisker from the lower to the upper bound over each bar.
  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart, _args, options) {
      const { ctx, scales } = chart;
      ctx.save();
      ctx.strokeStyle = options.colour;
      ctx.lineWidth = 1.5;
      chart.getDatasetMeta(0).data.forEach((bar, index) => {
        const [low, high] = options.bounds[index].map((bound) => scales.y.getPixelForValue(bound));
        ctx.beginPath();
        for (const y of [low, high]) {
          ctx.moveTo(bar.x - 5, y);
          ctx.lineTo(bar.x + 5, y);
        }
        ctx.moveTo(bar.x, low);
        ctx.lineTo(bar.x, high);
        ctx.stroke();
      });
      ctx.restore();
    },
  };

  const titled = (colours, text) => ({ display: true, text, color: colours.soft });

  makers.calibration = (canvas, data) => {
    const colours = palette();
    const base = common(colours);
    return new Chart(canvas, {
      type: "bar",
      data: { labels: data.labels, datasets: [{ data: data.shares, backgroundColor: colours.accent, borderRadius: 2 }] },
      options: {
        ...base,
        scales: {
          x: { ...axis(colours), grid: { display: false }, title: titled(colours, "Score") },
          y: {
            ...axis(colours), beginAtZero: true, suggestedMax: Math.max(...data.bounds.flat(), 5),
            title: titled(colours, "Converted"), ticks: { ...axis(colours).ticks, callback: share, maxTicksLimit: 6 },
          },
        },
        plugins: {
          ...base.plugins,
          whiskers: { bounds: data.bounds, colour: colours.ink },
          tooltip: { ...base.plugins.tooltip, callbacks: { label: (item) => data.words[item.dataIndex] } },
        },
      },
      plugins: [whiskers],
    });
  };

  makers.roc = (canvas, data) => {
    const colours = palette();
    const base = common(colours);
    const part = (text) => ({
      ...axis(colours), type: "linear", min: 0, max: 1, title: titled(colours, text),
      ticks: { ...axis(colours).ticks, callback: (value) => share(100 * value), maxTicksLimit: 6 },
    });
    return new Chart(canvas, {
      type: "line",
      data: {
        datasets: [
          { data: data.points, borderColor: colours.accent, borderWidth: 2.5, pointRadius: 0, pointHoverRadius: 5 },
          { data: [{ x: 0, y: 0 }, { x: 1, y: 1 }], borderColor: colours.soft, borderWidth: 1, borderDash: [4, 4], pointRadius: 0, pointHoverRadius: 0 },
        ],
      },
      options: {
        ...base,
        parsing: false,
        scales: { x: part("Others called as well"), y: part("Converted leads reached") },
        plugins: {
          ...base.plugins,
          tooltip: {
            ...base.plugins.tooltip,
            filter: (item) => item.datasetIndex === 0,
            callbacks: {
              title: () => "",
              label: (item) => `${share(100 * item.raw.y)} reached, with ${share(100 * item.raw.x)} of the others`,
            },
          },
        },
      },
    });
  };

  draw();
})();
