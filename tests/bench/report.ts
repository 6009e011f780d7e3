// The tables of the suite: for people, in Markdown, and for programs.

/** One column of a table. */
export interface Column {
  /** Of the figure in a row, and in JSON. */
  key: string;
  title: string;
  /** After the decimal point. @default 0 */
  digits?: number;
}

/** Figures by column. */
export type Row = Record<string, string | number | undefined>;

/** One table. */
export interface Table {
  title: string;
  /** What a reader has to know of it, before it. */
  note?: string;
  columns: Column[];
  rows: Row[];
}

/** A table as Markdown, which can be read as it is too. */
export function markdown({ title, note, columns, rows }: Table): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => cell(row, column))),
  ];
  const isText = columns.map(({ key }) =>
    rows.some((row) => typeof row[key] === "string")
  );
  const widths = columns.map((_, i) =>
    Math.max(3, ...cells.map((line) => line[i].length))
  );
  const pad = (text: string, i: number) =>
    isText[i] ? text.padEnd(widths[i]) : text.padStart(widths[i]);
  const rule = widths.map((width, i) =>
    isText[i] ? "-".repeat(width) : "-".repeat(width - 1) + ":"
  );
  const lines = [
    cells[0].map(pad),
    rule,
    ...cells.slice(1).map((line) => line.map(pad)),
  ].map((line) => `| ${line.join(" | ")} |`);
  return [`**${title}**`, ...note ? [note] : [], lines.join("\n")]
    .join("\n\n");
}

function cell(row: Row, { key, digits = 0 }: Column): string {
  const value = row[key];
  if (value === undefined) return "–";
  return typeof value === "string" ? value : value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
