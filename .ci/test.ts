// deno-lint-ignore-file no-console -- what CI shows

/**
 * Runs a test task, and once more, alone, the files in which something failed:
 * tests that wait for real time can fail on a machine that other programs keep
 * busy. Whatever passes only then is printed as flaky. More than a few files
 * are no accident, and nothing is run again.
 *
 *     deno run --allow-read --allow-run .ci/test.ts test:all
 *
 * @module
 */

const MAX_FILES = 4;
/** No test takes as long. */
const STALL_MINUTES = 5;
const STALL_MS = STALL_MINUTES * 60_000;
const COLORS = new RegExp(String.raw`\x1b\[[0-9;]*m`, "g");
/** As `deno test --parallel` prints them. */
const FAILED = /^(?:Uncaught error from )?(\.\/\S+_test\.ts)\b.* FAILED\b/;
const SUMMARY = /^FAILED \| .*?(\d+) failed/;

/** What a run printed of its failures. */
interface Outcome {
  passed: boolean;
  files: Set<string>;
  /** Lines that tell of a failure in a known file. */
  located: number;
  /** As the summary counts them; undefined where there is none. */
  failed: number | undefined;
}

async function run(command: string): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "--eval", command],
    stdout: "piped",
  }).spawn();
  const outcome: Outcome = {
    passed: false,
    files: new Set(),
    located: 0,
    failed: undefined,
  };
  const stalled = () => {
    console.error(`\nno output for ${STALL_MINUTES} minutes: ended`);
    child.kill("SIGTERM");
  };
  let stall = setTimeout(stalled, STALL_MS);
  const [shown, read] = child.stdout.tee();
  const lines = read.pipeThrough(new TextDecoderStream());
  let rest = "";
  const reading = (async () => {
    for await (const text of lines) {
      clearTimeout(stall);
      stall = setTimeout(stalled, STALL_MS);
      const [...whole] = (rest + text).split("\n");
      rest = whole.pop()!;
      for (const line of whole) note(line.replace(COLORS, ""), outcome);
    }
  })();
  await shown.pipeTo(Deno.stdout.writable, { preventClose: true });
  await reading;
  clearTimeout(stall);
  outcome.passed = (await child.status).success;
  return outcome;
}

function note(line: string, outcome: Outcome): void {
  const file = FAILED.exec(line)?.[1];
  if (file !== undefined) {
    outcome.files.add(file);
    outcome.located++;
  }
  const failed = SUMMARY.exec(line)?.[1];
  if (failed !== undefined) outcome.failed = Number(failed);
}

/** The task's command for these files, one at a time. */
function commandFor(command: string, files: Iterable<string>): string {
  const flags = command.match(/^(.* --allow-run) /)?.[1];
  if (flags === undefined) throw new Error(`no flags in: ${command}`);
  return `DENO_JOBS=1 ${flags} ${[...files].join(" ")}`;
}

const [task] = Deno.args;
const { tasks } = JSON.parse(
  await Deno.readTextFile(new URL("../deno.json", import.meta.url)),
);
const { command } = tasks[task];
const first = await run(command);
if (first.passed) Deno.exit(0);
const { files, located, failed } = first;
if (failed === undefined || located !== failed) {
  console.error("not run again: it is not known which files failed");
  Deno.exit(1);
}
if (files.size > MAX_FILES) {
  console.error(`not run again: ${files.size} files failed`);
  Deno.exit(1);
}
console.log(`\n== failed, run again alone: ${[...files].join(", ")}`);
const again = await run(commandFor(command, files));
if (!again.passed) Deno.exit(1);
console.log(`\n== FLAKY: failed once, passed alone: ${[...files].join(", ")}`);
