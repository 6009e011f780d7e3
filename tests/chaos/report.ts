// What a chaos run came to, for people and for programs.

import { FAULT_KINDS, type FaultKind } from "./plan.ts";
import type { ChaosResult } from "./run.ts";

/** The tables, and what went against the rules. */
export function reportText(result: ChaosResult): string {
  const { options, ledger, unknownReplies, elapsedMs } = result;
  const counts = ledger.counts();
  const planned = (kind: FaultKind) => options.faults[kind] ?? 0;
  const caused = (kind: FaultKind) => ledger.faults[kind] ?? 0;
  return [
    section("faults", [
      ["", "planned", "caused"],
      ...FAULT_KINDS.filter((kind) => planned(kind) > 0)
        .map((kind) => [kind, planned(kind), caused(kind)]),
    ]),
    section(
      `faults not caused: ${ledger.faultsNotCaused.length}`,
      ledger.faultsNotCaused.map((why) => [why]),
    ),
    section("calls", [
      ["made", ledger.calls],
      ...Object.entries(counts),
      ["requests sent", ledger.attempts],
      ["late or repeated replies", unknownReplies],
      ["slowest call", `${ledger.slowestMs} ms`],
      ["whole run", `${Math.round(elapsedMs / 1000)} s`],
    ]),
    section(
      "executions per call",
      [...ledger.executions()].map(([times, calls]) => [times, calls]),
    ),
    section("errors", [...ledger.errors]),
    section(
      `violations: ${ledger.violationCount}`,
      ledger.violations.map((violation) => [violation]),
    ),
  ].filter(Boolean).join("\n\n");
}

/** Whether every rule was kept, and every fault caused. */
export function isGood({ options, ledger }: ChaosResult): boolean {
  const { wrong, lost, twice } = ledger.counts();
  return ledger.violationCount === 0 && wrong + lost + twice === 0 &&
    FAULT_KINDS.every((kind) => ledger.faults[kind] === options.faults[kind]);
}

/** The last line of a run. */
export function reportJson({ options, ledger }: ChaosResult): string {
  const { seed, calls } = options;
  const { answered, failed, wrong, lost, twice } = ledger.counts();
  const { faults } = ledger;
  return JSON.stringify({
    seed,
    calls,
    answered,
    failed,
    wrong,
    lost,
    twice,
    faults,
  });
}

/** Rows in columns, the first to the left and the others to the right. */
function section(title: string, rows: (string | number)[][]): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) => row.map(String));
  const width = (column: number) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0));
  const lines = cells.map((row) =>
    row.map((cell, column) =>
      row.length === 1
        ? cell
        : column === 0
        ? cell.padEnd(width(0))
        : cell.padStart(width(column) + 2)
    ).join("")
  );
  return [title, ...lines.map((line) => `  ${line}`.trimEnd())].join("\n");
}
