/**
 * Plots as SVG, styled by the page around them.
 *
 * @module
 */
import { formatCount } from "../../rpc/texts.ts";

/** A value of a plot. */
export interface Point {
  /** Its label on the horizontal axis. */
  readonly label: string;
  readonly value: number;
  /** The tooltip. */
  readonly hint: string;
}

/** The titles of the axes, with units. */
export interface AxisNames {
  x: string;
  y: string;
}

const WIDTH = 800;
const HEIGHT = 300;
const LEFT = 70;
const BOTTOM = 50;
const TOP = 36;
const MOST_TICKS = 5;
const MOST_LABELS = 12;
const DOT_RADIUS = 3;

/** Coordinates of values on the page. */
interface Scales {
  readonly ticks: number[];
  /** The width of a column. */
  readonly step: number;
  /** The left edge of a column. */
  x(i: number): number;
  y(value: number): number;
}

/** A bar for each point, with its label at its right edge. */
export function barPlot(points: Point[], names: AxisNames): string {
  const scales = scalesFor(points);
  const { x, y, step } = scales;
  const bars = points.map(({ value, hint }, i) => {
    // Even the smallest value is visible.
    const height = value > 0 ? Math.max(y(0) - y(value), 1) : 0;
    return `<rect class="bar" x="${px(x(i) + 1)}" y="${px(y(0) - height)}" ` +
      `width="${px(step - 2)}" height="${px(height)}">` +
      `<title>${hint}</title></rect>`;
  });
  return plot(points, names, scales, bars, (i) => x(i + 1));
}

/** A line through the points. */
export function linePlot(points: Point[], names: AxisNames): string {
  const scales = scalesFor(points);
  const { x, y, step } = scales;
  const middle = (i: number) => x(i) + step / 2;
  const path = points.map(({ value }, i) => `${px(middle(i))},${px(y(value))}`);
  const dots = points.map(({ value, hint }, i) =>
    `<circle class="bar" cx="${px(middle(i))}" cy="${px(y(value))}" ` +
    `r="${DOT_RADIUS}"><title>${hint}</title></circle>`
  );
  const line = `<polyline class="line" points="${path.join(" ")}"/>`;
  return plot(points, names, scales, [line, ...dots], middle);
}

function scalesFor(points: Point[]): Scales {
  const ticks = roundTicks(Math.max(...points.map(({ value }) => value), 0));
  const step = (WIDTH - LEFT) / Math.max(points.length, 1);
  const height = HEIGHT - TOP - BOTTOM;
  const most = ticks.at(-1)!;
  return {
    ticks,
    step,
    x: (i) => LEFT + i * step,
    y: (value) => TOP + height * (1 - value / most),
  };
}

/** Round numbers from 0 up to `most` or just above it. */
export function roundTicks(most: number): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / MOST_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((it) => it * power >= rough)!;
  const count = Math.ceil(most / (factor * power));
  return Array.from(
    { length: count + 1 },
    // Without the rounding errors of binary fractions.
    (_, i) => Number((i * factor * power).toPrecision(12)),
  );
}

function plot(
  points: Point[],
  names: AxisNames,
  { ticks, y }: Scales,
  marks: string[],
  labelX: (i: number) => number,
): string {
  const grid = ticks.map((value) =>
    `<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${px(y(value))}" ` +
    `y2="${px(y(value))}"/>` +
    text(LEFT - 8, y(value) + 4, formatCount(value), "end")
  );
  const every = Math.ceil(points.length / MOST_LABELS);
  const labels = points.map(({ label }, i) =>
    i % every === 0
      ? text(labelX(i), HEIGHT - BOTTOM + 18, label, "middle")
      : ""
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" ` +
    `aria-label="${names.y} by ${names.x}">
${grid.join("\n")}
${marks.join("\n")}
${labels.join("")}
${text((LEFT + WIDTH) / 2, HEIGHT - 8, names.x, "middle")}
${text(0, 14, names.y, "start")}
</svg>`;
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: "start" | "middle" | "end",
): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">` +
    `${content}</text>`;
}

function px(value: number): string {
  return value.toFixed(1);
}
