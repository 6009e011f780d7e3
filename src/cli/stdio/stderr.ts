/**
 * The program's stderr: a reader that is slow or gone does not hold it up.
 *
 * @module
 */
import { LossyOutput } from "./lossy_output.ts";
import { writeStderr } from "./streams.ts";

let reportLost: ((lines: number) => void) | undefined;

/** Everything that goes to stderr goes through this. */
export const stderr: LossyOutput = new LossyOutput(
  writeStderr,
  (lines) => reportLost?.(lines),
);

/** Sets how to report the number of lines that were lost. */
export function onLostLines(report: (lines: number) => void): void {
  reportLost = report;
}
