// Completion in the shells themselves: what a user gets for a tab.

import assert from "node:assert/strict";
import { permissionsMissing, test, testNeeding } from "../../support/needs.ts";
import { runProcess } from "../../support/process.ts";
import { run } from "../../support/program.ts";
import { startAtTerminal, terminalMissing } from "../../support/terminal.ts";

/** Why a shell can't be asked here; undefined where it can. */
function shellMissing(shell: string): string | undefined {
  if (permissionsMissing() !== undefined) return permissionsMissing();
  try {
    new Deno.Command(shell, { args: ["--version"] }).outputSync();
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `there is no ${shell}. On Debian: apt-get install ${shell}.`;
  }
}

/** The script, in a folder of its own that has two files to complete. */
async function completionScript(
  shell: string,
): Promise<{ path: string; folder: string } & AsyncDisposable> {
  const { code, stdout, stderr } = await run(["completions", shell]);
  assert.deepEqual([code, stderr], [0, ""]);
  const folder = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  const path = `${folder}/script`;
  await Deno.writeTextFile(path, stdout);
  await Deno.writeTextFile(`${folder}/issuer.pem`, "");
  return {
    path,
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Words before the tab, and all that may follow. */
const CASES: [string[], string[]][] = [
  [["dem"], ["demo"]],
  [["be"], ["bench"]],
  [["demo-"], []],
  [["--ver"], ["--version"]],
  [["server", "q", "--builtin", ""], ["echo", "fib", "message", "sleep"]],
  [["bench", "q", "--format", "h"], ["html"]],
  [["client", "q", "--time"], ["--timeout"]],
  [["status", "--wat"], ["--watch"]],
  [["status", "--lines"], []],
  // Names of queues are not guessed, nor are values that nobody knows.
  [["client", ""], []],
  [["client", "q", "--timeout", ""], []],
  [["context", ""], ["list", "show"]],
  [["completions", "z"], ["zsh"]],
  [["client", "q", "--cacert", "iss"], ["issuer.pem"]],
];

/** Prints what bash would offer for the words after the script. */
const ASK_BASH = `
source "$1"
shift
COMP_WORDS=(rabbit-rpc "$@")
COMP_CWORD=$#
_rabbit_rpc
printf '%s\\n' "\${COMPREPLY[@]}"`;

const ASK_FISH = "source $argv[1]; complete -C $argv[2]";

testNeeding("bash completes", { needs: [shellMissing("bash")] }, async () => {
  await using script = await completionScript("bash");
  const { folder: cwd } = script;
  for (const [words, expected] of CASES) {
    const args = ["-c", ASK_BASH, "bash", script.path, ...words];
    const { stdout, stderr } = await runProcess("bash", args, { cwd });
    const offered = stdout.split("\n").filter(Boolean).sort();
    assert.deepEqual([offered, stderr], [expected, ""], words.join(" "));
  }
  // bash makes three words of it.
  const split = ["bench", "q", "--format", "=", "j"];
  const args = ["-c", ASK_BASH, "bash", script.path, ...split];
  assert.equal((await runProcess("bash", args)).stdout, "json\n");
});

testNeeding("fish completes", { needs: [shellMissing("fish")] }, async () => {
  await using script = await completionScript("fish");
  const { folder: cwd } = script;
  for (const [words, expected] of CASES) {
    const line = ["rabbit-rpc", ...words].join(" ");
    const args = ["--no-config", "-c", ASK_FISH, script.path, line];
    const { stdout, stderr } = await runProcess("fish", args, { cwd });
    const offered = stdout.split("\n").filter(Boolean)
      .map((line) => line.split("\t")[0]!).sort();
    assert.deepEqual([offered, stderr], [expected, ""], words.join(" "));
  }
});

/** What is typed, and what the line is after the tab. */
const TYPED: [string, string][] = [
  ["rabbit-rpc dem", "rabbit-rpc demo"],
  ["rabbit-rpc server q --bu", "rabbit-rpc server q --builtin"],
  ["rabbit-rpc bench q --format h", "rabbit-rpc bench q --format html"],
  ["rabbit-rpc status --wat", "rabbit-rpc status --watch"],
  ["rabbit-rpc context sh", "rabbit-rpc context show"],
  [
    "rabbit-rpc client q --cacert iss",
    "rabbit-rpc client q --cacert issuer.pem",
  ],
];

/** How to start each shell so that it completes and has no other settings. */
const INTERACTIVE: Record<string, { args: string[]; setUp: string }> = {
  bash: { args: ["--norc", "--noprofile", "-i"], setUp: "" },
  zsh: { args: ["-f", "-i"], setUp: "autoload -U compinit; compinit -D -u;" },
};

for (const [shell, { args, setUp }] of Object.entries(INTERACTIVE)) {
  const needs = [shellMissing(shell), terminalMissing()];
  testNeeding(`${shell} completes what is typed`, { needs }, async () => {
    await using script = await completionScript(shell);
    await using terminal = startAtTerminal([shell, ...args], {
      cwd: script.folder,
      keepStdinOpen: true,
      columns: 200,
    });
    // A program of that name that shows what became of the line.
    const show = 'rabbit-rpc() { echo "<rabbit-rpc $*>"; }';
    await terminal.write(
      `${setUp} source ${script.path}; ${show}; echo "read"y\n`,
    );
    await terminal.waitFor("ready");
    for (const [typed, completed] of TYPED) {
      await terminal.write(`${typed}\t\n`);
      await terminal.waitFor(`<${completed}>`);
    }
  });
}

test("completions: another shell is wrong usage", async () => {
  const { code, stderr } = await run(["completions", "tcsh"]);
  assert.match(stderr, /'tcsh'.*bash, zsh, fish/);
  assert.equal(code, 64);
});
