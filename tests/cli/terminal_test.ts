// What differs when the program is spoken with at a terminal.

import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import type { Result } from "../support/process.ts";
import { commandLine } from "../support/program.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import {
  CTRL_D,
  startAtTerminal,
  terminalMissing,
} from "../support/terminal.ts";
import { scene, temporaryFile } from "./scene.ts";

/**
 * Runs the program with a terminal as stdin, stdout and stderr, where
 * `redirections` of the shell do not say otherwise.
 */
async function runAtTerminal(
  args: string[],
  redirections = "",
): Promise<Result> {
  const words = await commandLine(args);
  await using running = startAtTerminal(words, { redirections });
  return await running.result();
}

const needs = [terminalMissing()];

rabbitMqTest("at a terminal a reply ends its line", { needs }, async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const { code, stdout } = await runAtTerminal([
    "client",
    "-u",
    url,
    queue,
    "30",
  ]);
  assert.deepEqual([code, stdout], [0, "832040\r\n"]);
});

rabbitMqTest("a terminal is not read for the request", { needs }, async () => {
  const { url, queue } = await scene();
  const { code, stdout } = await runAtTerminal(["client", "-u", url, queue]);
  assert.equal(
    stdout,
    "rabbit-rpc: no request: give it as an argument, @FILE or on stdin\r\n",
  );
  assert.equal(code, 64);
});

/** What a terminal shows as one line after the other, cleared ones left out. */
function shownLines(stdout: string): string[] {
  return stdout.replaceAll("\r\x1b[K", "\n").split(/\r?\n/).filter(Boolean);
}

rabbitMqTest(
  "a batch shows its progress, then a summary",
  { needs },
  async () => {
    const { url, queue, serve } = await scene();
    await using _server = await serve(["--builtin", "fib"]);
    await using input = await temporaryFile("1\nabc\n".repeat(10));
    const args = ["client", "-u", url, queue, "-l", "--rate", "20"];
    const { code, stdout } = await runAtTerminal(
      args,
      `<'${input.path}' >/dev/null`,
    );
    assert.equal(code, 3);
    const lines = shownLines(stdout);
    const progress = lines.filter((line) => line.includes(" done, "));
    assert.ok(progress.length > 1, stdout);
    const last = progress.at(-1)!;
    assert.match(
      stripVTControlCharacters(last),
      /^ {0,2}\d+% \[#+ *\] \d+ done, \d+ failed, \d+\/s, \d:\d\d left$/,
    );
    assert.ok(last.includes(" done, \x1b[31m"), last);
    assert.match(
      lines.at(-1)!,
      /^rabbit-rpc: 20 requests in .*: 10 answered, 10 failed \(10 invalid_argument\)$/,
    );
  },
);

rabbitMqTest(
  "progress leaves answers on a terminal alone",
  { needs },
  async () => {
    const { url, queue, serve } = await scene();
    await using _server = await serve(["--builtin", "echo"]);
    const args = ["client", "-u", url, queue, "-l", "--rate", "2"];
    const { code, stdout } = await runAtTerminal(
      args,
      "<<'END'\none\ntwo\nEND\n",
    );
    assert.equal(code, 0);
    const lines = shownLines(stdout);
    assert.ok(
      lines.some((line) => /^1 done, 0 failed, /.test(line)),
      stdout,
    );
    const answers = lines.filter((line) => !/ done, |requests in/.test(line));
    assert.deepEqual(answers, ["one", "two"]);
  },
);

rabbitMqTest("no progress with --quiet, nor colours with --color never", {
  needs,
}, async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const args = ["client", "-u", url, queue, "-l", "--rate", "4"];
  const stdin = `<<'END' >/dev/null\n${"abc\n".repeat(6)}END\n`;
  const quiet = await runAtTerminal([...args, "--quiet"], stdin);
  assert.deepEqual([quiet.code, quiet.stdout], [1, ""]);
  const plain = await runAtTerminal([...args, "--color", "never"], stdin);
  assert.match(plain.stdout, / done, [1-5] failed, /);
});

rabbitMqTest("--lines sends what is typed, a line a request", {
  needs,
}, async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  const args = ["client", "-u", url, queue, "--lines"];
  await using terminal = startAtTerminal(await commandLine(args), {
    keepStdinOpen: true,
  });
  for (const [typed, answer] of [["30", "832040"], ["7", "13"]] as const) {
    await terminal.write(`${typed}\n`);
    await terminal.waitFor(answer);
  }
  await terminal.write(CTRL_D);
  const { code, stdout } = await terminal.result();
  assert.equal(code, 0, stdout);
  const lines = shownLines(stdout).filter((line) => line !== "^D\b\b");
  assert.deepEqual(lines.slice(0, 4), ["30", "832040", "7", "13"]);
  assert.match(lines[4]!, /^rabbit-rpc: 2 requests in .*: 2 answered/);
});
