/**
 * A bar of progress in a line of text.
 *
 * @module
 */

const BAR_WIDTHS = { least: 10, most: 30 };
const DEFAULT_COLUMNS = 80;

/** How wide the terminal is. */
export function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch {
    // Some terminals have no size.
    return DEFAULT_COLUMNS;
  }
}

/**
 * ` 43% [####      ] ` for a fraction from 0 to 1; without the bar if there is
 * no room for it.
 */
export function progressBar(fraction: number, room: number): string {
  const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
  const width = Math.min(room - percent.length - 4, BAR_WIDTHS.most);
  if (width < BAR_WIDTHS.least) return `${percent} `;
  const full = "#".repeat(Math.floor(fraction * width));
  return `${percent} [${full.padEnd(width)}] `;
}
