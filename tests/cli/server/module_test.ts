// `server --module`: what a module may be, and what its handlers may do.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { connect } from "../../../src/mod.ts";
import { test } from "../../support/needs.ts";
import { run } from "../../support/program.ts";
import { rabbitMqTest } from "../../support/rabbitmq.ts";
import { scene } from "../scene.ts";

/** Files in a folder of their own, removed when disposed of. */
async function folder(files: Record<string, string>) {
  const path = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-" });
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  return {
    path,
    file: (name: string) => join(path, name),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

const CALC = `
import { twice } from "./lib/twice.js";
import data from "./lib/data.json" with { type: "json" };
let calls = 0;
export const add = (request) => {
  const { a, b } = request.json();
  return { sum: a + b };
};
export const double = async (request) => String(twice(Number(request.text())));
export const bytes = (request) => request.bytes.toReversed();
export const meta = (request, { signal, deadlineMs }) => ({
  body: "",
  contentType: "text/x",
  headers: {
    left: deadlineMs > Date.now() && deadlineMs <= Date.now() + 30_000,
    aborted: signal.aborted,
    greeting: request.headers.greeting,
    data: data.name,
  },
});
export const page = () => new Response("no page", { status: 404 });
export const missing = () => {
  throw Object.assign(new Error("no user 7"), { code: "not_found" });
};
export const big = () => ({ id: 5n });
export const header = () => ({ body: "x", headers: { bad: () => {} } });
export const count = () => ++calls;
export const spin = () => { for (;;); };
export const own = () =>
  new Promise(() => setTimeout(() => { throw new Error("own"); }, 10));
let slowRuns = false;
let lateThrew = false;
const when = (condition, then) => {
  const timer = setInterval(() => {
    if (!condition()) return;
    clearInterval(timer);
    then();
  }, 5);
};
export const late = () => {
  when(() => slowRuns, () => {
    lateThrew = true;
    Promise.reject(new Error("floating"));
    throw new Error("late");
  });
  return "fine";
};
export const slow = () => {
  slowRuns = true;
  const { promise, resolve } = Promise.withResolvers();
  when(() => lateThrew, () => setTimeout(resolve, 50, "slow but sure"));
  return promise;
};
export const read = (request) => Deno.readTextFile(request.text());
export const connect = (request) =>
  Deno.connect({ hostname: "127.0.0.1", port: Number(request.text()) })
    .then(() => "open", (error) => error.name);
export default (request) => "untyped " + request.text();
`;

function calc() {
  return folder({
    "calc.js": CALC,
    "lib/twice.js": "export const twice = (n) => 2 * n;",
    "lib/data.json": '{ "name": "from JSON" }',
  });
}

for (const workers of ["0", "2"]) {
  const where = workers === "0" ? "on the main thread" : "in workers";

  rabbitMqTest(`the methods of a module, ${where}`, async () => {
    await using files = await calc();
    const { client, serve } = await scene();
    const args = ["--module", files.file("calc.js"), "--workers", workers];
    await using _server = await serve(args);
    const call = async (type: string, body = "x", ...more: string[]) => {
      const flags = type ? ["--type", type, ...more] : more;
      const { code, stdout, stderr } = await client([...flags, body]);
      return [code, stdout || stderr];
    };
    assert.deepEqual(await call("add", '{"a":1,"b":2}'), [0, '{"sum":3}']);
    assert.deepEqual(await call("double", "21"), [0, "42"]);
    assert.deepEqual(await call("bytes", "abc"), [0, "cba"]);
    assert.deepEqual(await call("", "x"), [0, "untyped x"]);
    assert.deepEqual(await call("missing"), [
      1,
      "rabbit-rpc: procedure failed: not_found: no user 7.\n",
    ]);
    assert.deepEqual(await call("page"), [
      1,
      "rabbit-rpc: procedure failed: not_found: no page.\n",
    ]);
    const [, big] = await call("big");
    assert.match(String(big), /internal: .* can't hold: a bigint in "id"\.$/m);
    assert.match(String((await call("header"))[1]), /failed: internal: /);
    const [status, unknown] = await call("toString");
    assert.equal(status, 1);
    assert.match(
      String(unknown),
      /unimplemented: .*available: add, big, bytes,/,
    );
  });

  rabbitMqTest(`uncaught errors of a module, ${where}`, async () => {
    await using files = await calc();
    const { client, serve } = await scene();
    const path = files.file("calc.js");
    // One worker at most: what a request leaves behind meets the next one.
    const count = workers === "0" ? "0" : "1";
    const args = ["--module", path, "--workers", count];
    await using server = await serve(args);
    assert.equal((await client(["--type", "late", ""])).stdout, "fine");
    const slow = await client(["--type", "slow", ""]);
    assert.deepEqual([slow.code, slow.stdout], [0, "slow but sure"]);
    for (const message of ["floating", "late"]) {
      const line = await server.waitFor(`: ${message} (`, "stderr");
      assert.ok(
        line.startsWith(`rabbit-rpc: module "${path}": uncaught error: `),
        line,
      );
      assert.match(line, /calc\.js:\d+:\d+\)$/);
    }
    const own = await client(["--type", "own", ""]);
    assert.deepEqual([own.code, own.stderr], [
      1,
      "rabbit-rpc: procedure failed: internal: uncaught error: own.\n",
    ]);
    assert.equal((await client(["--type", "double", "4"])).stdout, "8");
  });
}

rabbitMqTest(
  "a handler sees request and context, and sets headers",
  async () => {
    await using files = await calc();
    const { serve, queue, url } = await scene();
    for (const workers of ["0", "1"]) {
      const args = ["--module", files.file("calc.js"), "--workers", workers];
      await using server = await serve(args);
      await using rpc = await connect(url);
      const reply = await rpc.call(queue, "", {
        type: "meta",
        headers: { greeting: "hello" },
      });
      assert.equal(reply.contentType, "text/x");
      assert.deepEqual({ ...reply.headers }, {
        left: true,
        aborted: false,
        greeting: "hello",
        data: "from JSON",
      });
      server.kill("SIGTERM");
      assert.equal((await server.result()).code, 0);
    }
  },
);

rabbitMqTest("a handler past its time ends with its worker", async () => {
  await using files = await calc();
  const { client, startClient, serve } = await scene();
  const module = files.file("calc.js");
  await using server = await serve([
    "--module",
    module,
    "--workers",
    "1",
    "--handler-timeout",
    "500ms",
  ]);
  const count = async () => (await client(["--type", "count", ""])).stdout;
  assert.deepEqual([await count(), await count()], ["1", "2"]);
  const { code, stderr } = await client(["--type", "spin", ""]);
  assert.equal(code, 124, stderr);
  assert.match(stderr, /longer than the server's limit of 500ms/);
  // The worker is a new one.
  assert.equal(await count(), "1");
  // A call that is canceled frees its worker as well.
  await using canceled = await startClient(["--type", "spin", ""]);
  await server.waitFor(" [.] spin ", "stdout", { occurrence: 2 });
  canceled.kill("SIGINT");
  assert.equal((await canceled.result()).code, 130);
  assert.equal(await count(), "1");
});

rabbitMqTest("workers may do what they were given, and no more", async () => {
  await using files = await calc();
  await using secret = await folder({ "secret.txt": "hidden" });
  const { client, serve, url } = await scene();
  const module = files.file("calc.js");
  const outside = secret.file("secret.txt");
  const port = new URL(url).port;
  const call = async (type: string, body: string) => {
    const { stdout, stderr } = await client(["--type", type, body]);
    return stdout || stderr;
  };
  {
    await using server = await serve(["--module", module, "--workers", "1"]);
    assert.match(await call("read", outside), /internal: Requires read access/);
    assert.equal(await call("read", module), CALC);
    assert.equal(await call("connect", port), "NotCapable");
    server.kill("SIGTERM");
    await server.result();
  }
  const list = `net=127.0.0.1:${port},read=${secret.path}`;
  const flags = ["--workers", "1", "--module-permissions", list];
  await using _server = await serve(["--module", module, ...flags]);
  assert.equal(await call("read", outside), "hidden");
  assert.equal(await call("connect", port), "open");
  assert.equal(await call("connect", "9"), "NotCapable");
});

const NOWHERE = ["-u", "amqp://127.0.0.1:1", "q"];

/** What `server` says, and its status, when it can't start. */
async function refusal(...args: string[]): Promise<[number, string]> {
  const { code, stdout, stderr } = await run(["server", ...NOWHERE, ...args]);
  assert.equal(stdout, "");
  return [code, stderr];
}

test("a module that can't be served is found at start", async () => {
  await using files = await folder({
    "syntax.js": "export default (",
    "imports.js": 'import "./gone.js"; export default () => 1;',
    "throws.js": 'throw new TypeError("top");',
    "none.js": "export const a = 1; export default class {}",
  });
  const expected: [string, number, RegExp][] = [
    ["gone.js", 66, /^rabbit-rpc: cannot read ".*gone\.js": No such file/],
    ["", 66, /^rabbit-rpc: cannot read ".*": not a file\.$/m],
    [
      "syntax.js",
      65,
      /^rabbit-rpc: module ".*" does not load: .*syntax\.js:\d/,
    ],
    ["imports.js", 65, /does not load: Module not found.*gone\.js/],
    ["throws.js", 65, /does not load: TypeError: top\.$/m],
    ["none.js", 65, /exports no function: export the handler as default/],
  ];
  for (const [name, code, message] of expected) {
    for (const workers of ["0", "1"]) {
      const args = ["--module", files.file(name), "--workers", workers];
      const [status, stderr] = await refusal(...args);
      assert.equal(status, code, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  }
});

rabbitMqTest(
  "a TypeScript module runs from source, or is refused",
  async () => {
    await using files = await folder({
      "typed.ts": "export default (r: { text(): string }): string => r.text();",
    });
    const path = files.file("typed.ts");
    for (const workers of ["0", "1"]) {
      const args = ["--module", path, "--workers", workers];
      if (Deno.env.get("RABBIT_RPC_BIN")) {
        const [status, stderr] = await refusal(...args);
        assert.equal(status, 65);
        assert.match(
          stderr,
          /typed\.ts" is not plain JavaScript: compile it, or/,
        );
      } else {
        const { client, serve } = await scene();
        await using _server = await serve(args);
        assert.equal((await client(["typed"])).stdout, "typed");
      }
    }
  },
);

test("wrong flags for a module are told", async () => {
  await using files = await calc();
  const module = ["--module", files.file("calc.js")];
  const expected: [string[], RegExp][] = [
    [[], /give exactly one of/],
    [[...module, "--builtin", "fib"], /give exactly one of/],
    [
      [...module, "--workers", "1", "--module-permissions", "net,ffi"],
      /It must be a list of env, net, read, run, sys, write/,
    ],
    [
      [...module, "--workers", "1", "--module-permissions", "sys"],
      /grants more than rabbit-rpc itself is allowed\.$/m,
    ],
  ];
  for (const [args, message] of expected) {
    const [status, stderr] = await refusal(...args);
    assert.equal(status, 64, stderr);
    assert.match(stderr, message);
  }
});

rabbitMqTest(
  "a module on the main thread may run and write nothing, unless it is given that",
  async () => {
    await using files = await folder({
      "tries.js": `
        const path = import.meta.dirname + "/written";
        export const run = () => new Deno.Command("true").outputSync().code;
        export const write = () => Deno.writeTextFileSync(path, "x") ?? "done";
        export const env = () => Deno.env.get("PATH");
      `,
    });
    const module = ["--module", files.file("tries.js")];
    const { client, serve } = await scene();
    {
      await using _server = await serve(module);
      for (const type of ["run", "write", "env"]) {
        const { code, stderr } = await client(["", "--type", type]);
        assert.equal(code, 1);
        assert.match(stderr, new RegExp(`internal: .*[Rr]equires ${type}`));
      }
      await assert.rejects(Deno.stat(files.file("written")));
    }
    await using _server = await serve([
      ...module,
      ...["--module-permissions", "run"],
    ]);
    assert.equal((await client(["", "--type", "run"])).stdout, "0");
    assert.equal((await client(["", "--type", "env"])).code, 1);
  },
);
