/**
 * The report as a self-contained HTML page, without scripts or network.
 *
 * @module
 */
import { formatCount } from "../../rpc/texts.ts";
import type { Measurement } from "./measurement.ts";
import type { Summary } from "./summary.ts";
import { barPlot, linePlot, type Point } from "./plots.ts";
import { errorsText, loadText, ms } from "./wording.ts";

const BARS = 40;
const PERCENTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];

const STYLE = `
  :root { color-scheme: light dark; --ink: #1d2733; --faint: #5b6876;
    --paper: #fff; --line: #d5dbe3; --mark: #d9541e; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #dfe6ee; --faint: #9aa7b5; --paper: #14191f;
      --line: #39434f; --mark: #f0824f; } }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
    background: var(--paper); max-width: 52rem; margin: 2rem auto;
    padding: 0 1rem; }
  h1 { font-size: 1.5rem; margin-bottom: 0; }
  h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
  p { color: var(--faint); margin: .25rem 0; }
  dl { display: grid; gap: .75rem; margin: 1.5rem 0;
    grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); }
  dl div { border: 1px solid var(--line); border-radius: .5rem;
    padding: .5rem .75rem; }
  dt { color: var(--faint); font-size: .85rem; }
  dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
  svg { width: 100%; height: auto; display: block; }
  svg text { fill: var(--faint); font: 13px system-ui, sans-serif; }
  svg .axis { stroke: var(--line); } svg .bar { fill: var(--mark); }
  svg .line { stroke: var(--mark); fill: none; stroke-width: 2; }`;

/** The page. */
export function htmlReport(
  summary: Summary,
  measured: Measurement,
  madeWith: string,
): string {
  const title = `rabbit-rpc bench: ${escapeHtml(summary.queue)}`;
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${title}</h1>
<p>${escapeHtml(loadText(summary))}</p>
<p>${escapeHtml(madeWith)}, ${date} UTC</p>
${tiles(summary)}
<h2>Latency distribution</h2>
${barPlot(bars(measured), { x: "latency in ms, up to", y: "replies" })}
<h2>Latency by percentile</h2>
${linePlot(percentiles(measured), { x: "percentile", y: "latency in ms" })}
<h2>Replies over time</h2>
${linePlot(overTime(measured), { x: "second", y: "replies per second" })}
</body>
</html>
`;
}

/** The main figures, each in a box. */
function tiles(summary: Summary): string {
  const figures: [string, string][] = [
    ["calls/s", formatCount(summary.calls_per_second)],
    ["calls", formatCount(summary.calls)],
    ["errors", errorsText(summary)],
    ["seconds", formatCount(summary.seconds)],
    ["mean", ms(summary.mean_ms)],
    ["p50", ms(summary.p50_ms)],
    ["p90", ms(summary.p90_ms)],
    ["p99", ms(summary.p99_ms)],
    ["p99.9", ms(summary.p999_ms)],
    ["max", ms(summary.max_ms)],
  ];
  const boxes = figures.map(([name, value]) =>
    `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`
  );
  return `<dl>\n${boxes.join("\n")}\n</dl>`;
}

function bars(measured: Measurement): Point[] {
  return measured.bars(BARS).map(({ fromMs, toMs, count }) => ({
    label: toMs.toPrecision(3),
    value: count,
    hint: `${ms(fromMs)} to ${ms(toMs)}: ${formatCount(count)} replies`,
  }));
}

function percentiles(measured: Measurement): Point[] {
  return PERCENTILES.map((p) => ({
    label: String(p),
    value: measured.percentileMs(p),
    hint: `${p}% within ${ms(measured.percentileMs(p))}`,
  }));
}

function overTime(measured: Measurement): Point[] {
  return measured.rates.map((rate, i) => ({
    label: String(i + 1),
    value: rate,
    hint: `second ${i + 1}: ${
      formatCount(Math.round(rate))
    } replies per second`,
  }));
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
