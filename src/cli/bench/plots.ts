/**
 * Plots as SVG text.
 *
 * @module
 */

/** One value, with its place on the horizontal axis. */
export interface Point {
  readonly label: string;
  readonly value: number;
}

/** What the axes show. */
export interface AxisNames {
  x: string;
  y: string;
}

const WIDTH = 800;
const HEIGHT = 260;
const LEFT = 70;
const BOTTOM = 40;
const TOP = 20;
const TICKS = 4;
const MOST_LABELS = 12;

/** A bar for each point. */
export function barPlot(points: Point[], names: AxisNames): string {
  const { x, y, step } = scales(points);
  const marks = points.map(({ value }, i) =>
    `<rect class="bar" x="${px(x(i) + 1)}" y="${px(y(value))}" ` +
    `width="${px(step - 2)}" height="${px(y(0) - y(value))}"/>`
  );
  return plot(points, names, marks.join("\n"));
}

/** A line through all points. */
export function linePlot(points: Point[], names: AxisNames): string {
  const { x, y, step } = scales(points);
  const path = points.map(({ value }, i) =>
    `${px(x(i) + step / 2)},${px(y(value))}`
  );
  const line = `<polyline class="line" points="${path.join(" ")}"/>`;
  return plot(points, names, line);
}

function scales(points: Point[]) {
  const most = Math.max(...points.map(({ value }) => value), 0) || 1;
  const step = (WIDTH - LEFT) / Math.max(points.length, 1);
  const height = HEIGHT - TOP - BOTTOM;
  return {
    most,
    step,
    x: (i: number) => LEFT + i * step,
    y: (value: number) => TOP + height * (1 - value / most),
  };
}

function plot(points: Point[], names: AxisNames, marks: string): string {
  const { most, step, x, y } = scales(points);
  const values = Array.from({ length: TICKS + 1 }, (_, i) => most * i / TICKS);
  const grid = values.map((value) =>
    `<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${px(y(value))}" ` +
    `y2="${px(y(value))}"/>` +
    text(LEFT - 6, y(value) + 4, Number(value.toPrecision(3)), "end")
  );
  const every = Math.ceil(points.length / MOST_LABELS);
  const labels = points.map(({ label }, i) =>
    i % every === 0
      ? text(x(i) + step / 2, HEIGHT - BOTTOM + 16, label, "middle")
      : ""
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
${grid.join("\n")}
${marks}
${labels.join("")}
${text(WIDTH, HEIGHT - 4, names.x, "end")}
${text(0, 12, names.y, "start")}
</svg>`;
}

function text(
  x: number,
  y: number,
  content: string | number,
  anchor: "start" | "middle" | "end",
): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">` +
    `${content}</text>`;
}

function px(value: number): string {
  return value.toFixed(1);
}
