/**
 * The figures as one page that needs nothing else: no script, no network.
 *
 * @module
 */
import type { Measurement } from "./measurement.ts";
import type { Summary } from "./summary.ts";
import { barPlot, linePlot, type Point } from "./plots.ts";

const BARS = 40;
const PERCENTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];

const STYLE = `
  :root { color-scheme: light dark; --ink: #1d2733; --paper: #fff;
    --line: #d5dbe3; --mark: #e8622c; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #dfe6ee; --paper: #14191f; --line: #39434f; } }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
    background: var(--paper); max-width: 56rem; margin: 2rem auto;
    padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  table { border-collapse: collapse; } svg { width: 100%; height: auto; }
  th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem;
    text-align: right; font-variant-numeric: tabular-nums; }
  th { text-align: left; font-weight: 500; }
  svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
  svg .axis { stroke: var(--line); } svg .bar { fill: var(--mark); }
  svg .line { stroke: var(--mark); fill: none; stroke-width: 2; }`;

/** A whole page. */
export function htmlReport(
  summary: Summary,
  measured: Measurement,
  madeWith: string,
): string {
  const title = `rabbit-rpc bench: ${escapeHtml(summary.queue)}`;
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
<p>${escapeHtml(madeWith)}, ${new Date().toISOString()}</p>
${table(summary)}
<h2>Latency distribution</h2>
${barPlot(bars(measured), { x: "ms", y: "replies" })}
<h2>Latency by percentile</h2>
${linePlot(percentiles(measured), { x: "percentile", y: "ms" })}
<h2>Replies a second</h2>
${linePlot(overTime(measured), { x: "seconds", y: "replies/s" })}
</body>
</html>
`;
}

function table(summary: Summary): string {
  const rows = Object.entries(summary).map(([name, value]) => {
    const shown = typeof value === "object" && value !== null
      ? JSON.stringify(value)
      : String(value ?? "closed loop");
    return `<tr><th>${name.replaceAll("_", " ")}</th>` +
      `<td>${escapeHtml(shown)}</td></tr>`;
  });
  return `<table>\n${rows.join("\n")}\n</table>`;
}

function bars(measured: Measurement): Point[] {
  return measured.bars(BARS).map(({ toMs, count }) => ({
    label: toMs.toPrecision(3),
    value: count,
  }));
}

function percentiles(measured: Measurement): Point[] {
  return PERCENTILES.map((p) => ({
    label: String(p),
    value: measured.percentileMs(p),
  }));
}

function overTime(measured: Measurement): Point[] {
  return measured.perSecond.map((value, second) => ({
    label: String(second),
    value,
  }));
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
