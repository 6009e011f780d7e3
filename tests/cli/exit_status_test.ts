// The tables of exit statuses and of errors: a row each, provoked for real.
// What else leads to the same status is tested where that belongs.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EXIT, exitStatusOf } from "../../src/cli/exit_status.ts";
import { failure, REASONS, type RpcErrorReason } from "../../src/rpc/errors.ts";
import {
  CertificateAuthority,
  opensslMissing,
} from "../support/certificates.ts";
import { permissionsMissing, testNeeding } from "../support/needs.ts";
import { freePort } from "../support/ports.ts";
import { type Result, runProcess } from "../support/process.ts";
import { commandLine, run } from "../support/program.ts";
import { rabbitMqMissing } from "../support/rabbitmq.ts";
import { fakeServer } from "./fake_server.ts";
import { rawChannel, type Scene, scene } from "./scene.ts";

/** A way to end, and what is said then, the program's name aside. */
interface Row {
  status: number;
  /** Empty where there is nothing to say; the queue is called "calc". */
  says: string;
  /** Why it can't be provoked here; undefined where it can. */
  missing?: string;
  provoke: () => Promise<Result>;
}

const permissions = permissionsMissing();
const rabbitMq = permissions ?? rabbitMqMissing();
const openssl = permissions ?? opensslMissing();

const NO_SERVER = "Start a server, or use --wait.";

const ROWS: Row[] = [
  {
    status: EXIT.ok,
    says: "",
    missing: rabbitMq,
    provoke: () => served(["30"]),
  },
  {
    status: EXIT.procedureFailed,
    says: "procedure failed: invalid_argument: fib wants a whole number from " +
      '0 to 78, got "abc".',
    missing: rabbitMq,
    provoke: () => served(["abc"]),
  },
  {
    status: EXIT.partly,
    says: "line 2 of stdin: procedure failed: invalid_argument: fib wants a " +
      'whole number from 0 to 78, got "abc".',
    missing: rabbitMq,
    provoke: () => served(["-l"], "30\nabc\n"),
  },
  {
    status: EXIT.usage,
    says: "option '-t, --timeout <duration>' argument '30' is invalid. It " +
      "must be a duration such as 500ms, 30s, 2m, 1h or 7d.",
    provoke: () => run(["client", "calc", "1", "-t", "30"]),
  },
  {
    status: EXIT.badInput,
    says: "the message can't be sent: a string of 256 bytes, but AMQP",
    missing: rabbitMq,
    provoke: () => served(["--type", "t".repeat(256), "1"]),
  },
  {
    status: EXIT.unreadable,
    says: 'cannot read "/nowhere/at-all": No such file or directory.',
    provoke: () => run(["client", "calc", "@/nowhere/at-all"]),
  },
  {
    status: EXIT.noServer,
    says: 'no queue "calc" on vhost "/" (312 NO_ROUTE). Start a server with ' +
      '"rabbit-rpc server calc ...", or use --wait.',
    missing: rabbitMq,
    provoke: () => onStage(({ client }) => client(["1"])),
  },
  {
    status: EXIT.noServer,
    says: 'queue "calc" exists but no server is consuming it (4 requests ' +
      `waiting). ${NO_SERVER}`,
    missing: rabbitMq,
    provoke: () => onStage(idleQueue),
  },
  {
    status: EXIT.bug,
    says: "this is a bug in rabbit-rpc: TypeError: unheard of",
    missing: permissions,
    provoke: () => fromSource("./bug_probe.ts", "--allow-env"),
  },
  {
    status: EXIT.broker,
    says: "cannot reach a broker at localhost:PORT (connection refused). Is " +
      'one running? Try "rabbit-rpc broker", or set --url.',
    provoke: () => call(`amqp://localhost:${freePort()}`),
  },
  {
    status: EXIT.protocol,
    says: "localhost:PORT speaks TLS, but the URL is amqp://. Use amqps://.",
    missing: openssl,
    provoke: () => speakingTls((at) => call(`amqp://${at}`)),
  },
  {
    status: EXIT.protocol,
    says: 'the certificate of "localhost" is not trusted (unknown issuer). ' +
      "Pass --cacert FILE.",
    missing: openssl,
    provoke: () => speakingTls((at) => call(`amqps://${at}`)),
  },
  {
    status: EXIT.refused,
    says: 'login refused for user "bob" on vhost "/prod" (403). Check ' +
      "--password-file and the user's permissions on the vhost.",
    missing: rabbitMq,
    provoke: () =>
      onStage(({ url }) => call(`amqp://bob:x@${new URL(url).host}/%2Fprod`)),
  },
  {
    status: EXIT.refused,
    says: 'a Deno permission is missing. Requires env access to "RABBIT_',
    missing: permissions,
    provoke: () => fromSource("../../main.ts"),
  },
  {
    status: EXIT.timedOut,
    says: 'no reply from "calc" within 1.5s; the request may still have ' +
      'run. Use -t 6s, or look with "rabbit-rpc status calc".',
    missing: rabbitMq,
    provoke: () => onStage(silentServer),
  },
  {
    status: EXIT.io,
    says: "cannot write to stdout: No space left on device.",
    missing: permissions,
    provoke: async () => {
      const command = await commandLine(["--version"]);
      const words = ["-c", '"$@" >/dev/full', "bash", ...command];
      return await runProcess("bash", words);
    },
  },
  {
    status: EXIT.commandNotRun,
    says: 'cannot run "/tmp": it is not executable.',
    provoke: () => run(["broker", "--listen", "127.0.0.1:0", "--", "/tmp"]),
  },
  {
    status: EXIT.commandNotFound,
    says: 'cannot run "no-such-command": there is no such command.',
    provoke: () =>
      run(["broker", "--listen", "127.0.0.1:0", "--", "no-such-command"]),
  },
  {
    status: EXIT.interrupted,
    says: "the call was canceled.",
    missing: rabbitMq,
    provoke: () => onStage((stage) => interrupted(stage, "SIGINT")),
  },
  {
    status: EXIT.terminated,
    says: "the call was canceled.",
    missing: rabbitMq,
    provoke: () => onStage((stage) => interrupted(stage, "SIGTERM")),
  },
];

for (const { status, says, missing, provoke } of ROWS) {
  testNeeding(`${status}: ${says}`, { needs: [missing] }, async () => {
    const { code, stderr } = await provoke();
    const shown = stderr.replace(/localhost:\d+/, "localhost:PORT");
    const expected = says === "" ? "" : `rabbit-rpc: ${says}`;
    assert.equal(shown.slice(0, expected.length), expected);
    // One line, however much a bug has to tell.
    assert.match(stderr, says === "" ? /^$/ : /^[^\n]+\n$/);
    assert.equal(code, status);
  });
}

Deno.test("no reason ends as a bug or as success", () => {
  for (const reason of Object.keys(REASONS) as RpcErrorReason[]) {
    const status = exitStatusOf(failure(reason, "why"));
    assert.ok(status !== EXIT.ok && status !== EXIT.bug, reason);
  }
});

Deno.test("each exit status has a row", () => {
  const statuses = new Set(ROWS.map(({ status }) => status));
  assert.deepEqual([...statuses].sort(), Object.values(EXIT).sort());
});

/** On RabbitMQ; a queue name of its own becomes "calc". */
async function onStage(
  play: (stage: Scene) => Promise<Result>,
): Promise<Result> {
  const stage = await scene();
  const { stderr, ...result } = await play(stage);
  return { ...result, stderr: stderr.replaceAll(stage.queue, "calc") };
}

function served(args: string[], stdin?: string): Promise<Result> {
  return onStage(async ({ client, serve }) => {
    await using _server = await serve(["--builtin", "fib"]);
    return await client(args, { stdin });
  });
}

async function idleQueue({ url, queue, client }: Scene): Promise<Result> {
  await using raw = await rawChannel(url);
  await raw.channel.assertQueue(queue, { autoDelete: true });
  for (let n = 0; n < 4; n++) {
    raw.channel.sendToQueue(queue, Buffer.from("1"));
  }
  // What was sent has come once this is answered.
  await raw.channel.checkQueue(queue);
  return await client(["--no-wait", "1"]);
}

async function silentServer(stage: Scene): Promise<Result> {
  await using _server = await fakeServer(stage.url, stage.queue);
  return await stage.client(["-t", "1500ms", "1"]);
}

async function interrupted(
  { url, queue, startClient }: Scene,
  signal: Deno.Signal,
): Promise<Result> {
  await using server = await fakeServer(url, queue);
  await using client = await startClient(["1"]);
  await server.received(1);
  client.kill(signal);
  return await client.result();
}

function call(url: string): Promise<Result> {
  return run(["client", "-u", url, "calc", "1"]);
}

/** Something that greets with TLS alone, and its address. */
async function speakingTls(
  use: (at: string) => Promise<Result>,
): Promise<Result> {
  await using authority = await CertificateAuthority.create();
  const files = await authority.issue({ names: ["DNS:localhost"] });
  using listener = Deno.listenTls({
    hostname: "localhost",
    port: 0,
    cert: await Deno.readTextFile(files.cert),
    key: await Deno.readTextFile(files.key),
  });
  const greeting = greet(listener);
  const result = await use(`localhost:${listener.addr.port}`);
  listener.close();
  await greeting;
  return result;
}

async function greet(listener: Deno.TlsListener): Promise<void> {
  for await (const connection of listener) {
    try {
      await connection.handshake();
    } catch {
      // Whoever speaks no TLS, or does not trust us, ends it.
    }
    connection.close();
  }
}

/**
 * A call by a script, which has these permissions and no others: what nobody
 * does who uses a task or the executable.
 */
async function fromSource(
  script: string,
  ...permissions: string[]
): Promise<Result> {
  const path = new URL(script, import.meta.url).pathname;
  const flags = ["--quiet", "--no-prompt", ...permissions];
  const args = ["run", ...flags, path, "client", "calc", "1"];
  return await runProcess(Deno.execPath(), args);
}
