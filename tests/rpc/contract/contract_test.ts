// Tests of src/rpc/contract/contract.ts, contract_client.ts, methods.ts and validation.ts.

import assert from "node:assert/strict";
import * as v from "valibot";
import * as z from "zod";
import { RpcConnection } from "../../../src/rpc/connection.ts";
import {
  type Contract,
  type ContractHandlers,
  implement,
} from "../../../src/rpc/contract/contract.ts";
import type { RpcError } from "../../../src/rpc/errors.ts";
import type { Procedure } from "../../../src/rpc/procedure.ts";
import { failure } from "../../support/calling.ts";
import { FakeBroker } from "../../support/fake_transport.ts";

/** A connection on a broker in memory that serves "q", and its client. */
async function served<C extends Contract>(contract: C, procedure: Procedure) {
  const broker = new FakeBroker();
  broker.declare("q");
  const rpc = new RpcConnection(broker.connect());
  await rpc.serve("q", procedure);
  return {
    rpc,
    api: rpc.client(contract, "q"),
    [Symbol.asyncDispose]: () => rpc.close(),
  };
}

function issuesOf(error: RpcError): unknown {
  return error.details.issues;
}

const libraries = {
  zod: {
    input: z.object({
      name: z.string(),
      tags: z.array(z.string()).default(["none"]),
      count: z.coerce.number().int(),
    }),
    output: z.object({ text: z.string().max(20) }),
  },
  valibot: {
    input: v.object({
      name: v.string(),
      tags: v.optional(v.array(v.string()), ["none"]),
      count: v.pipe(v.unknown(), v.transform(Number), v.integer()),
    }),
    output: v.object({ text: v.pipe(v.string(), v.maxLength(20)) }),
  },
};

for (const [library, say] of Object.entries(libraries)) {
  const contract = { say } as { say: typeof libraries.zod };
  const serveSay = (seen: unknown[] = []) =>
    served(
      contract,
      implement(contract, {
        say: ({ name, tags, count }) => {
          seen.push({ name, tags, count });
          return { text: `${name} `.repeat(count) + tags.join() };
        },
      }),
    );

  Deno.test(`${library}: the handler gets what the schema makes`, async () => {
    const seen: unknown[] = [];
    await using scene = await serveSay(seen);
    const reply = await scene.api.say({ name: "a", count: "2" });
    assert.deepEqual(reply, { text: "a a none" });
    assert.deepEqual(seen, [{ name: "a", tags: ["none"], count: 2 }]);
  });

  Deno.test(`${library}: wrong input tells its paths, and nothing runs`, async () => {
    const seen: unknown[] = [];
    await using scene = await serveSay(seen);
    const wrong = { name: 7, tags: ["x", 8], count: 1 };
    const error = await failure(
      scene.rpc.call("q", JSON.stringify(wrong), { type: "say" }),
    );
    assert.deepEqual([error.code, error.remote], ["invalid_argument", true]);
    assert.match(
      error.message,
      /^say got invalid input: name: [^;]+; tags\[1\]: [^;]+$/,
    );
    const issues = issuesOf(error) as { path: unknown; message: string }[];
    assert.deepEqual(issues.map(({ path }) => path), [["name"], ["tags", 1]]);
    for (const { message } of issues) assert.match(message, /string/);
    assert.deepEqual(seen, []);
  });

  Deno.test(`${library}: wrong output is the server's fault`, async () => {
    await using scene = await serveSay();
    const error = await failure(scene.api.say({ name: "a", count: 20 }));
    assert.equal(error.code, "internal");
    assert.match(error.message, /^say returned invalid output: text: /);
  });
}

const numbers = {
  double: { input: z.number(), output: z.number() },
  nothing: { output: z.undefined() },
  text: { input: z.string(), output: z.string() },
  raw: {},
} satisfies Contract;

const handlers: ContractHandlers<typeof numbers> = {
  double: (n) => n * 2,
  nothing: () => undefined,
  text: (text) => text + "!",
  raw: (input) => input,
};

Deno.test("bodies are JSON, text too, and no body is nothing", async () => {
  await using scene = await served(
    numbers,
    implement(numbers, handlers),
  );
  const { api, rpc } = scene;
  assert.equal(await api.double(21), 42);
  assert.equal(await api.text("a"), "a!");
  assert.equal(await api.nothing(), undefined);
  assert.equal(await api.raw(), undefined);
  assert.deepEqual(await api.raw([null]), [null]);
  const reply = await rpc.call("q", '"b"', { type: "text" });
  assert.deepEqual([reply.text(), reply.contentType], [
    '"b!"',
    "application/json",
  ]);
});

Deno.test("what is not JSON is an invalid argument", async () => {
  await using scene = await served(numbers, implement(numbers, handlers));
  const error = await failure(scene.rpc.call("q", "{", { type: "double" }));
  assert.equal(error.code, "invalid_argument");
  assert.match(error.message, /^double wants JSON: .*JSON/);
});

Deno.test("another method is told what there is", async () => {
  await using scene = await served(numbers, implement(numbers, handlers));
  const names = "double, nothing, text, raw";
  const asked: [string, string][] = [
    ["triple", `unknown method "triple"; available: ${names}`],
    ["toString", `unknown method "toString"; available: ${names}`],
    ["", `the request names no method in its type; available: ${names}`],
  ];
  for (const [type, message] of asked) {
    const error = await failure(scene.rpc.call("q", "1", { type }));
    assert.deepEqual([error.code, error.message], ["unimplemented", message]);
  }
});

Deno.test("of many issues the first are told, and all are counted", async () => {
  const contract = { sum: { input: z.array(z.number()) } };
  await using scene = await served(
    contract,
    implement(contract, { sum: (all) => all.length }),
  );
  const body = JSON.stringify(Array(5_000).fill("x"));
  const error = await failure(scene.rpc.call("q", body, { type: "sum" }));
  assert.match(error.message, /\[2\]: [^;]+; and 4997 more$/);
  assert.equal((issuesOf(error) as unknown[]).length, 20);
  assert.ok(error.message.length < 500, error.message);
});

Deno.test("paths and messages of any length and kind are bounded", async () => {
  const issue = {
    message: "m".repeat(9_999),
    path: [Symbol("s"), { key: "k".repeat(9_999) }, ...Array(99).fill(1)],
  };
  const input = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: () => Promise.resolve({ issues: [issue] }),
    },
  };
  const contract = { any: { input } };
  await using scene = await served(
    contract,
    implement(contract, { any: () => 1 }),
  );
  const error = await failure(scene.rpc.call("q", "1", { type: "any" }));
  const [told] = issuesOf(error) as { path: unknown[]; message: string }[];
  assert.equal(told!.path[0], "Symbol(s)");
  assert.equal(told!.path.length, 20);
  assert.ok(JSON.stringify(told).length < 600);
});

Deno.test("what a handler throws reaches the caller", async () => {
  const contract = { fail: {} };
  await using scene = await served(
    contract,
    implement(contract, {
      fail: () => {
        throw new Error("no luck");
      },
    }),
  );
  const error = await failure(scene.api.fail());
  assert.deepEqual([error.code, error.message], ["internal", "no luck"]);
});

Deno.test("a contract that can't be served is refused", () => {
  assert.throws(
    () => implement(numbers, { ...handlers, text: undefined as never }),
    { name: "TypeError", message: "handlers.text must be a function" },
  );
  for (const name of ["then", "toJSON", "constructor", "__proto__", ""]) {
    const contract = JSON.parse(`{${JSON.stringify(name)}: {}}`);
    assert.throws(
      () => implement(contract, {}),
      { name: "TypeError", message: `a method can't have the name "${name}"` },
    );
  }
});

Deno.test("options of the client, and of one call", async () => {
  const broker = new FakeBroker();
  broker.declare("q");
  await using rpc = new RpcConnection(broker.connect());
  const api = rpc.client(numbers, "q", {
    headers: { a: 1 },
    timeoutMs: 60_000,
  });
  const call = api.double(4, { headers: { b: 2 } });
  const { text, properties } = await broker.take("q");
  assert.deepEqual([text, properties.type, properties.contentType], [
    "4",
    "double",
    "application/json",
  ]);
  const { headers, correlationId, replyTo } = properties;
  assert.deepEqual(Object.keys(headers!).sort(), ["b", "rpc-deadline"]);
  broker.send(replyTo!, "eight", { correlationId });
  const error = await failure(call);
  assert.match(error.message, /^the reply of double is not JSON: /);
});

Deno.test("input that JSON can't hold is not sent", async () => {
  await using scene = await served(
    numbers,
    implement(numbers, handlers),
  );
  await assert.rejects(scene.api.raw({ id: 5n }), {
    name: "TypeError",
    message: 'input of raw must be JSON, got a bigint in "id"',
  });
});

Deno.test("a client is no promise, and calls nothing by accident", async () => {
  await using scene = await served(
    numbers,
    implement(numbers, handlers),
  );
  const { api } = scene;
  assert.equal(await api, api);
  assert.equal(Reflect.get(api, Symbol.iterator), undefined);
  assert.equal(JSON.stringify(api), "{}");
  assert.equal(`${api}`, "[object Object]");
  assert.throws(
    () => (api as unknown as Record<string, () => void>).duoble!(),
    TypeError,
  );
  assert.equal(Reflect.set(api, "double", 1), false);
  assert.equal(scene.rpc.stats.inFlight, 0);
});
