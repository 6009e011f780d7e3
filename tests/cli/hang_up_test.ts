// What a terminal sends: SIGHUP when it is closed, and SIGINT to all that run
// in it.

import assert from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { test, testNeeding } from "../support/needs.ts";
import { groupEnd, killIfThere } from "../support/process_groups.ts";
import { commandLine, run, start } from "../support/program.ts";
import { startProcess } from "../support/process.ts";
import {
  CTRL_C,
  startAtTerminal,
  terminalMissing,
} from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";
import { temporaryFile } from "./scene.ts";

const needs = [terminalMissing()];

/** A shell of the terminal: what runs in it hears of its end with that shell. */
const SHELL = ["sh", "-c", '"$@"; exit', "sh"];
const SILENT = ["sh", "-c", 'exec "$@" >/dev/null', "sh"];
/** Writes the status of "$@" to the file "$0", whatever ends the terminal. */
const TELL_STATUS = 'trap : HUP; "$@"; echo $? >"$0"';

testNeeding("a closed terminal ends all of ours in good order", {
  needs,
}, async () => {
  await using broker = await startBroker();
  const queue = ["-u", broker.url, "q"];
  await using server = await start(["server", ...queue, "--builtin", "sleep"]);
  await server.waitFor("Awaiting");
  const url = ["-u", broker.url];
  const sleep = ["--warmup", "0", "--body", "60000"];
  const commands: [args: string[], shows: string | RegExp, status: number][] = [
    [["client", ...queue, "60000"], "", 143],
    [["client", ...queue, "-l"], "", 143],
    [["bench", ...queue, ...sleep, "--rate", "0.01"], "0 replies", 143],
    [["status", ...queue, "--watch"], "CONSUMERS", 143],
    [["server", ...url, "other", "--builtin", "echo"], "Awaiting", 0],
    [["broker", "--listen", "127.0.0.1:0"], "amqp:", 0],
    [["demo"], "1. One call", 143],
  ];
  for (const [args, shows, status] of commands) {
    // Answers that can't be written would be another status.
    const hasResults = args.includes("-l") || args[0] === "bench";
    const redirected = hasResults ? SILENT : [];
    await using file = await temporaryFile("");
    const program = [...redirected, ...await commandLine(args)];
    const words = ["bash", "-c", TELL_STATUS, file.path, ...program];
    await using terminal = startAtTerminal([...SHELL, ...words], {
      stdin: "3000\n",
      keepStdinOpen: true,
    });
    if (shows === "") {
      await waitUntil(
        "a request under way",
        () => broker.queue("q")?.unacknowledged === 1,
        20_000,
      );
    } else {
      await waitUntil(
        `${shows} of ${args[0]}`,
        () => terminal.stdout().includes(`${shows}`),
        20_000,
      );
    }
    terminal.kill("SIGKILL");
    const text = await waitUntil(
      `the end of ${args.join(" ")}`,
      async () => (await Deno.readTextFile(file.path)) || undefined,
      60_000,
    );
    assert.equal(text, `${status}\n`, args[0]);
    // The next one's request must not be taken for this one's.
    await waitUntil(
      "the server to be idle",
      () => broker.queue("q")?.unacknowledged === 0,
      20_000,
    );
  }
});

test("SIGHUP ends a server and what it runs", async () => {
  await using broker = await startBroker();
  const args = ["server", "-u", broker.url, "q", "--grace", "1s", "--"];
  // A group of its own.
  const child = ["sh", "-c", "echo pid $$ >&2; exec sleep 600"];
  await using server = await start([...args, ...child]);
  await server.waitFor("Awaiting");
  await using client = await start(["client", "-u", broker.url, "q", "x"]);
  const line = await server.waitFor(/pid \d+/, "stderr");
  server.kill("SIGHUP");
  const { code, stderr } = await server.result();
  assert.equal(code, 0);
  assert.match(stderr, /stopping; 1 request in flight/);
  await groupEnd(Number(/pid (\d+)/.exec(line)![1]));
  client.kill();
  await client.result();
});

test("SIGHUP is ignored where it was at the start, by nohup say", async () => {
  await using broker = await startBroker();
  const args = ["server", "-u", broker.url, "q", "--builtin", "echo"];
  await using server = startProcess("nohup", await commandLine(args));
  await server.waitFor("Awaiting");
  server.kill("SIGHUP");
  for (const body of ["one", "two"]) {
    const { code, stdout } = await run(["client", "-u", broker.url, "q", body]);
    assert.deepEqual([code, stdout], [0, body]);
  }
  server.kill("SIGTERM");
  const { code, stderr } = await server.result();
  assert.equal(code, 0);
  assert.equal(stderr.match(/stopping/g)?.length, 1);
});

/** Counts its SIGINTs, tells each, and how many there were by a line's time. */
const COUNTER =
  'n=0; trap "n=\\$((n+1)); echo got one" INT; echo "pid $PPID"; ' +
  'until read -r line; do :; done; echo "total $n"';

testNeeding("a terminal's SIGINT reaches a command of the broker once", {
  needs,
}, async () => {
  const args = ["broker", "--listen", "127.0.0.1:0", "--"];
  const words = await commandLine([...args, "bash", "-c", COUNTER]);
  await using terminal = startAtTerminal(words, { keepStdinOpen: true });
  await terminal.waitFor("pid");
  await terminal.write(CTRL_C);
  await terminal.waitFor("got one");
  await terminal.write("go on\n");
  assert.equal((await terminal.waitFor("total")).trim(), "total 1");
  assert.equal((await terminal.result()).code, 0);
});

testNeeding("a signal that the broker alone gets reaches its command", {
  needs,
}, async () => {
  const args = ["broker", "--listen", "127.0.0.1:0", "--"];
  const script = 'trap "echo told; exit 5" TERM; echo "pid $PPID"; ' +
    "while :; do read -r -t 60 line; done";
  const words = await commandLine([...args, "bash", "-c", script]);
  await using terminal = startAtTerminal(words, { keepStdinOpen: true });
  const line = await terminal.waitFor("pid");
  const pid = Number(/pid (\d+)/.exec(line)![1]);
  Deno.kill(pid, "SIGTERM");
  await terminal.waitFor("told");
  assert.equal((await terminal.result()).code, 5);
  killIfThere(pid);
});

test("without a terminal a command of the broker gets SIGINT too", async () => {
  const args = ["broker", "--listen", "127.0.0.1:0", "--"];
  const script = "echo ready; exec sleep 600";
  await using broker = await start([...args, "sh", "-c", script]);
  await broker.waitFor("ready");
  broker.kill("SIGINT");
  assert.equal((await broker.result()).code, 130);
});
