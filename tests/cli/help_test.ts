// What the program tells about itself, and of wrong usage; without a broker.

import { test, testNeeding } from "../support/needs.ts";
import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { commandLine, run } from "../support/program.ts";
import { startAtTerminal, terminalMissing } from "../support/terminal.ts";

test("--version prints the version, the build and what it runs on", async () => {
  for (const flag of ["--version", "-V"]) {
    const { code, stdout, stderr } = await run([flag]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const [, version, build] =
      stdout.match(/^rabbit-rpc (\S+) \((.+), Deno .+, V8 .+\)\n$/) ?? [];
    assert.equal(version, manifest.version);
    // Without a commit where it was not built in a clone.
    const expected = Deno.env.get("RABBIT_RPC_BIN")
      ? /^executable( [0-9a-f]{7,}(-dirty)?)?$/
      : /^source$/;
    assert.match(build ?? "", expected);
  }
});

test("--help names the subcommands on stdout", async () => {
  const { code, stdout, stderr } = await run(["--help"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^Usage: rabbit-rpc /);
  assert.match(stdout, /^ +server .*<queue>/m);
  assert.match(stdout, /^ +client .*<queue>/m);
});

/** A flag, with its default where it has one. */
type Flag = [flag: string, standard?: string];

const FLAGS: Record<"server" | "client", Flag[]> = {
  server: [
    ["--builtin <name>"],
    ["--exec-lines"],
    ["--concurrency <n>", "cores for fib and commands, else 256"],
    ["--prefetch <n>", "max(c, min(2c, 16))"],
    ["--module <file>"],
    ["--module-permissions <list>"],
    ["--workers <n>", "cores for fib, 0 for a module"],
    ["--handler-timeout <duration>", "30s"],
    ["--max-body <size>", "16MiB"],
    ["--max-reply <size>", "16MiB"],
    ["--max-headers <n>", "100"],
    ["--max-header-size <size>", "64KiB"],
    ["--reply-to <pattern>"],
    ["--queue-arg <name=value>", "none"],
    ["--count <n>"],
    ["--stream [unit]"],
    ["--max-stream <limit>"],
    ["--max-streams <n>"],
    ["--grace <duration>", "30s"],
  ],
  client: [
    ["--timeout <duration>", "30s; none for a stream"],
    ["--stream"],
    ["--idle-timeout <duration>", "--timeout if given, else 30s"],
    ["--restart <mode>"],
    ["--progress"],
    ["--wait"],
    ["--no-wait"],
    ["--header <key:value>"],
    ["--type <method>"],
    ["--content-type <type>"],
    ["--priority <n>"],
    ["--persistent"],
    ["--json"],
    ["--dry-run"],
    ["--lines"],
    ["--null"],
    ["--input <format>"],
    ["--concurrency <n>", "32"],
    ["--unordered"],
    ["--rate <n>"],
    ["--failed <file>"],
    ["--fail-fast"],
  ],
};
const COMMON: Flag[] = [
  ["--url <url>", "AMQP_URL, else localhost"],
  ["--password-file <file>"],
  ["--cacert <file>"],
  ["--cert <file>"],
  ["--key <file>"],
  ["--servername <name>"],
  ["--insecure"],
  ["--connect-timeout <duration>", "10s"],
  ["--heartbeat <duration>", "20s"],
  ["--color <when>"],
  ["--context <name>"],
  ["--quiet"],
  ["--verbose"],
  ["--log-format <format>"],
];

for (const subcommand of ["server", "client"] as const) {
  test(`${subcommand} --help shows flags, defaults, three examples`, async () => {
    const { code, stdout, stderr } = await run([subcommand, "--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    const flags = describedFlags(stdout);
    for (const [flag, standard] of [...FLAGS[subcommand], ...COMMON]) {
      const shown = flags.find((line) => line.includes(`${flag} `));
      assert.ok(shown, `${flag} is missing in:\n${stdout}`);
      const name = flag.match(/--([a-z-]+)/)![1]!.toUpperCase();
      const variable = `env: RABBIT_RPC_${name.replaceAll("-", "_")})`;
      assert.ok(shown.includes(variable), `${variable} is missing: ${shown}`);
      if (!standard) continue;
      const wanted = `(default: ${standard}, ${variable}`;
      assert.ok(shown.includes(wanted), `${wanted} is missing: ${shown}`);
    }
    const examples = stdout.slice(stdout.indexOf("Examples:"));
    const example = new RegExp(`^  .*rabbit-rpc ${subcommand} `, "gm");
    assert.equal(examples.match(example)?.length, 3);
  });
}

for (
  const subcommand of [
    ...["server", "client", "bench", "status"],
    ...["broker", "demo", "context", "completions"],
  ]
) {
  test(`${subcommand} --help fits into 80 columns, with examples`, async () => {
    const { code, stdout } = await run([subcommand, "--help"]);
    assert.equal(code, 0);
    const examples = stdout.slice(stdout.indexOf("Examples:"));
    const example = /^ {2}.*rabbit-rpc [a-z]+/gm;
    assert.ok((examples.match(example)?.length ?? 0) >= 3, stdout);
    const described = stdout.slice(0, stdout.indexOf("Examples:"));
    for (const line of described.split("\n")) {
      assert.ok(line.length <= 80, line);
    }
  });
}

const needs = [terminalMissing()];

testNeeding("help is as wide as the terminal", { needs }, async () => {
  const words = await commandLine(["client", "--help"]);
  for (const columns of [60, 100]) {
    await using terminal = startAtTerminal(words, { columns });
    const { code, stdout } = await terminal.result();
    assert.equal(code, 0);
    const described = stdout.slice(0, stdout.indexOf("Examples:"));
    const lengths = described.split(/\r?\n/).map((line) => line.length);
    const longest = Math.max(...lengths);
    assert.ok(longest <= columns && longest > columns - 15, `${longest}`);
  }
});

/** One line a flag, however help was wrapped. */
function describedFlags(help: string): string[] {
  return help.split(/\n(?= {2}-)/).map((text) => text.replace(/\s+/g, " "));
}

/** Arguments, and what the one line on stderr has to say. */
const WRONG: [string[], RegExp][] = [
  [["frobnicate"], /unknown command 'frobnicate'/],
  [["sever", "q"], /unknown command 'sever'.*server/],
  [["statsu"], /unknown command 'statsu'.*status/],
  [["status", "--wacth"], /unknown option.*--watch/],
  [["status", "--interval", "0s"], /--interval.*above zero/],
  [["client", "q", "--log-format", "xml"], /--log-format.*text, json/],
  [["context", "drop"], /'drop'.*list, show/],
  [["client"], /missing required argument 'queue'/],
  [["client", "q", "1", "2"], /too many arguments/],
  [["client", "q", "1", "--tiemout", "1s"], /unknown option.*--timeout/],
  [
    ["client", "q", "1", "-t", "30"],
    /--timeout.*'30'.*500ms, 30s, 2m, 1h or 7d/,
  ],
  [["client", "q", "1", "-t", "0s"], /--timeout.*'0s'.*above zero/],
  [
    ["client", "q", "1", "-t", "-1s"],
    /--timeout.*'-1s'.*500ms, 30s, 2m, 1h or 7d/,
  ],
  [["client", "q", "1", "-H", "novalue"], /--header.*'novalue'.*key:value/],
  [["client", "q", "1", "--heartbeat", "1500ms"], /--heartbeat.*whole seconds/],
  [["client", "q", "-l", "-c", "0"], /--concurrency.*'0'.*from 1 to/],
  [["client", "q", "-l", "-c", "999999999"], /from 1 to 100000/],
  [["bench", "q", "-c", "999999999"], /from 1 to 100000/],
  [["bench", "q", "--size", "999999999"], /from 0 to 134217728/],
  [["server", "q", "--builtin", "fib", "-c", "999999999"], /from 1 to 65535/],
  [["client", "q", "-l", "-c", "x"], /--concurrency.*'x'.*whole number/],
  [["client", "q", "-l", "1"], /--lines reads the requests from stdin/],
  [["client", "q", "-0", "1"], /--null reads the requests from stdin/],
  [["client", "q", "--input", "ndjson", "1"], /--input reads the requests/],
  [["client", "q", "--input", "xml"], /--input.*'xml'.*ndjson/],
  [["client", "q", "1", "--failed", "f"], /--failed is for a batch/],
  [["client", "q", "-l", "--rate", "0"], /--rate.*'0'.*above 0/],
  [["client", "q", "1", "--color", "blue"], /--color.*auto, always, never/],
  [["client", "q", "-5"], /unknown option '-5'\. To send "-5", write -- -5\./],
  [["client", "a\nb", "1"], /queue must be a name without line breaks/],
  [["server", "a\rb", "--builtin", "fib"], /queue must be a name without line/],
  [["status", "a\rb"], /queue must be a name without line breaks/],
  [
    ["server", "q", "--builtin", "fib", "--dead-letter", "a\nb"],
    /deadLetterExchange must be a name without line breaks/,
  ],
  [["client", "", "1"], /queue must be a name of 1 to 255 bytes/],
  [["client", "q".repeat(256), "1"], /queue must be a name of 1 to 255 bytes/],
  [["client", "q", "--password-file", "-"], /stdin can't be both/],
  [["client", "q", "1", "-u", "http://broker"], /url must look like amqp:/],
  [["client", "q", "1", "-u", "broker"], /url must look like amqp:/],
  [["client", "q", "1", "-u", "amqp://%E0%A4%A@b"], /percent-encoded UTF-8/],
  [["server", "q"], /exactly one of --builtin NAME, --module FILE, -- CMD/],
  [["server", "q", "--builtin", "fib", "--", "cat"], /exactly one of/],
  [["server", "q", "--builtin", "fib", "--stream"], /--stream needs a command/],
  [["server", "q", "--exec-lines", "--stream", "--", "cat"], /"item" lines/],
  [["server", "q", "--stream=words", "--", "cat"], /chunks, lines/],
  [["server", "q", "--max-stream", "0", "--", "cat"], /number of items/],
  [["client", "q", "1", "--stream", "--retries", "1"], /--restart skip/],
  [["client", "q", "1", "--restart", "skip"], /--restart needs --stream/],
  [["client", "q", "1", "--stream", "--restart", "on"], /abort, skip/],
  [["client", "q", "1", "--idle-timeout", "1s"], /needs --stream/],
  [["client", "q", "-l", "--progress"], /--progress is for one call/],
  [["client", "q", "-l", "--stream", "--unordered"], /needs --json/],
  [["server", "q", "--exec-lines"], /--exec-lines needs a command after --/],
  [["server", "q", "--builtin", "fib", "--exec-lines"], /needs a command/],
  [["server", "q", "--builtin", "fob"], /'fob'.*fib, echo, message, sleep/],
  [["server", "q", "--builtin", "fib", "-c", "0"], /--concurrency.*'0'/],
  [["server", "q", "--builtin", "fib", "--prefetch", "0"], /--prefetch.*'0'/],
  [["server", "q", "--builtin", "fib", "--prefetch", "65536"], /65535/],
  [["server", "q", "--builtin", "fib", "--workers", "1025"], /1024/],
  [["server", "q", "--builtin", "fib", "--heartbeat", "65536s"], /65535/],
  [["server", "q", "--builtin", "fib", "--max-body", "1MB"], /16MiB, 64KiB/],
  [["server", "q", "--builtin", "fib", "--max-reply", "0"], /above zero/],
  [["server", "q", "--builtin", "fib", "--max-headers", "0"], /1 or more/],
  [["server", "q", "--builtin", "fib", "--max-header-size", "-1"], /64KiB/],
  [["server", "q", "--builtin", "fib", "--reply-to", "a,,b"], /commas/],
  [["client", "q", "1", "-H", "CC:elsewhere"], /headers must not have "CC"/],
  [["server", "q", "--builtin", "fib", "--count", "1.5"], /--count.*'1.5'/],
];

/** Nobody listens there, so that a wrong argument that passes shows. */
const NOWHERE = { RABBIT_RPC_URL: "amqp://127.0.0.1:1" };

for (const [args, expected] of WRONG) {
  const shown = args.map((arg) => arg.slice(0, 20)).join(" ");
  test(`wrong usage is 64 and one line: ${shown}`, async () => {
    const { code, stdout, stderr } = await run(args, { env: NOWHERE });
    assert.match(stderr, /^rabbit-rpc: [^\n]+\n$/);
    assert.match(stderr, expected);
    assert.equal(stdout, "");
    assert.equal(code, 64);
  });
}

test("a wrong value in the environment is 64 and names the variable", async () => {
  const env = { ...NOWHERE, RABBIT_RPC_TIMEOUT: "soon" };
  const { code, stderr } = await run(["client", "q", "1"], { env });
  assert.match(stderr, /^rabbit-rpc: [^\n]*RABBIT_RPC_TIMEOUT[^\n]*\n$/);
  assert.equal(code, 64);
});

test("no subcommand is wrong usage, and shows the help", async () => {
  const { code, stdout, stderr } = await run([]);
  assert.match(stderr, /Usage: rabbit-rpc /);
  assert.deepEqual([code, stdout], [64, ""]);
});
