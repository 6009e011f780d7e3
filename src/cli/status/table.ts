/**
 * The state as a table, which can be redrawn in place.
 *
 * @module
 */
import type { Paint } from "../stdio/color.ts";
import { counted } from "../../rpc/texts.ts";
import { oneLine } from "../printable.ts";
import type { BrokerState, Look, QueueState } from "./look.ts";

const HEADINGS = ["CONSUMERS", "WAITING", "QUEUE"] as const;
/** Space between two columns. */
const GAP = "  ";
const UP = (lines: number) => `\x1b[${lines}A`;
const CLEAR_BELOW = "\r\x1b[J";
/** Long lines are cut off: if they wrapped, the height would be unknown. */
const WRAP_OFF = "\x1b[?7l";
const WRAP_ON = "\x1b[?7h";

/** The lines of the table. */
export function tableLines({ broker, queues }: Look, paint: Paint): string[] {
  const lines = brokerLines(broker);
  if (queues.length === 0) return lines;
  const known = broker.error === undefined;
  return [
    ...lines,
    "",
    paint("bold", HEADINGS.join(GAP)),
    ...queues.map((queue) => queueLine(queue, known)),
  ];
}

function brokerLines({ url, rttMs, error }: BrokerState): string[] {
  const second = rttMs === undefined
    ? `no answer   ${error}; trying again`
    : `round trip  ${rttMs.toFixed(2)} ms`;
  return [`broker      ${url}`, oneLine(second)];
}

/** The name comes last, so that its length does not matter. */
function queueLine(state: QueueState, known: boolean): string {
  const { queue, info, error } = state;
  if (!known || error !== undefined) return row("?", "?", queue, error);
  if (info === undefined) return row("-", "-", queue, "no such queue");
  const { consumers, messages } = info;
  const note = consumers === 0 ? "no server is consuming it" : undefined;
  return row(String(consumers), String(messages), queue, note);
}

function row(
  consumers: string,
  waiting: string,
  queue: string,
  note?: string,
): string {
  const cells = [
    consumers.padStart(HEADINGS[0].length),
    waiting.padStart(HEADINGS[1].length),
    oneLine(queue),
    ...(note === undefined ? [] : [`(${oneLine(note)})`]),
  ];
  return cells.join(GAP);
}

/** Draws each table over the previous one. */
export class LiveTable {
  #height = 0;

  /** The text to write to a terminal of so many rows to show these lines. */
  draw(lines: readonly string[], rows: number): string {
    const shown = lines.slice(0, rows - 1);
    if (shown.length < lines.length) {
      const hidden = lines.length - shown.length + 1;
      shown[shown.length - 1] = `... and ${counted(hidden, "more line")}`;
    }
    const back = this.#height === 0 ? "" : UP(this.#height);
    this.#height = shown.length;
    const text = shown.map((line) => `${line}\n`).join("");
    return `${back}${CLEAR_BELOW}${WRAP_OFF}${text}${WRAP_ON}`;
  }
}
