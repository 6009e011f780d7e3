// Tests of src/procedures/workers/pool.ts: one job a worker, and who pays for what.

import assert from "node:assert/strict";
import {
  WorkerPool,
  type WorkerPoolOptions,
} from "../../../src/procedures/workers/pool.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import { test } from "../../support/needs.ts";
import { within } from "../../support/within.ts";

/** The inside of a worker, which answers over the port that it is sent. */
function scriptOf(source: string): URL {
  const script = `
    let port;
    const post = (message) => port.postMessage(message);
    self.onmessage = ({ ports }) => {
      [port] = ports;
      port.onmessage = ({ data }) => onJob(data.job);
    };
    ${source}
  `;
  return new URL(`data:application/javascript,${encodeURIComponent(script)}`);
}

/**
 * A test in which workers end while they start: Deno then keeps the port that
 * such a worker was about to get, as a few lines without a pool show as well.
 */
function startTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeResources: false });
}

/** What it is sent names what it does. */
const script = scriptOf(`
  let jobs = -1;
  const onJob = (data) => {
    jobs++;
    if (data === "spin") {
      // Not for ever: if a test fails it should end.
      for (const endMs = Date.now() + 2_000; Date.now() < endMs;);
      return;
    }
    if (data === "throw") throw new Error("thrown");
    if (data === "reject") return void Promise.reject(new Error("rejected"));
    if (data === "first") post({ log: "started" });
    if (data === "log") post({ log: "a line" });
    if (data === "error") {
      const error = { code: "not_found", message: "m", details: { a: 1 } };
      return post({ error });
    }
    if (data === "crash") {
      post({ crash: { code: "internal", message: "crashed" } });
      // Too late: the job has its answer.
      return post({ output: "never" });
    }
    if (data === "read") {
      return Deno.permissions.query({ name: "read" }).then(({ state }) =>
        post({ output: state }));
    }
    if (data === "stray") {
      for (const it of ["x", { output: "forged" }, { log: "forged" }]) {
        self.postMessage(it);
      }
    }
    if (data === "senseless") return post({ error: { code: 1 } });
    if (data === "Deno.exit") Deno.exit(3);
    if (data === "process.exit") process.exit(3);
    if (data === "close") return self.close();
    if (data === "close later") setTimeout(() => self.close(), 1);
    post({ output: data + jobs });
  };
`);

const { signal: never } = new AbortController();

function pool(size: number, options?: WorkerPoolOptions) {
  return new WorkerPool<string, string>(script, size, "first", options);
}

Deno.test("a worker has one job after the other", async () => {
  using one = pool(1);
  const jobs = ["a", "b", "c"].map((job) => one.run(job, never));
  assert.deepEqual(await Promise.all(jobs), ["a1", "b2", "c3"]);
});

Deno.test("an aborted job ends with its worker, the next one has another", async () => {
  using one = pool(1);
  await one.ready;
  const stop = new AbortController();
  const spinning = one.run("spin", stop.signal);
  const waiting = new AbortController();
  const dropped = one.run("dropped", waiting.signal);
  const next = one.run("next", never);
  waiting.abort(new RpcError("canceled", "no longer wanted"));
  await assert.rejects(dropped, { code: "canceled" });
  const reason = new RpcError("deadline_exceeded", "too long");
  stop.abort(reason);
  await assert.rejects(spinning, reason);
  assert.equal(await within("the next job", next), "next1");
  await assert.rejects(one.run("x", stop.signal), reason);
});

startTest(
  "a job that waits for a start can be aborted, which costs no worker",
  async () => {
    const starts: string[] = [];
    using one = pool(1, { log: (line) => starts.push(line) });
    for (let n = 0; n < 3; n++) {
      const stop = new AbortController();
      const job = one.run("spin", stop.signal);
      stop.abort(new RpcError("canceled", `${n}`));
      await assert.rejects(job, { message: `${n}` });
    }
    assert.equal(await within("an answer", one.run("x", never)), "x1");
    assert.deepEqual(starts, ["started"]);
  },
);

startTest(
  "a worker that does not start in time is replaced when there is a job",
  async () => {
    const url = scriptOf(`
    const onJob = ({ does }) => {
      if (does === "throw") throw new Error("thrown");
      if (does !== "nothing") post({ output: does });
    };
  `);
    const first = { does: "start" };
    using one = new WorkerPool<typeof first, string>(url, 1, first, {
      startTimeoutMs: 3_000,
    });
    await within("a start", one.ready);
    first.does = "nothing";
    await assert.rejects(one.run({ does: "throw" }, never), /thrown/);
    const job = one.run({ does: "wait" }, never);
    await assert.rejects(
      within("the end of the job", job),
      /a worker did not start within 3s/,
    );
    // It works again as soon as a worker starts.
    first.does = "start";
    const next = one.run({ does: "answer" }, never);
    assert.equal(await within("an answer", next), "answer");
  },
);

for (const job of ["throw", "reject", "crash"]) {
  Deno.test(`${job}: it costs the job and its worker, and nothing else`, async () => {
    using two = pool(2);
    await Promise.all([two.run("a", never), two.run("b", never)]);
    const [failed, other, next] = await within(
      "the answers",
      Promise.allSettled(
        [job, "other", "next"].map((it) => two.run(it, never)),
      ),
    );
    assert.equal(failed?.status, "rejected");
    const { code, message } = RpcError.from(failed.reason);
    assert.equal(code, "internal");
    assert.match(message, /thrown|rejected|crashed/);
    assert.deepEqual([other?.status, next?.status], ["fulfilled", "fulfilled"]);
  });
}

Deno.test("an error that is answered leaves the worker as it is", async () => {
  using one = pool(1);
  await assert.rejects(one.run("error", never), (error) => {
    assert.ok(error instanceof RpcError);
    const { code, message, details } = error;
    assert.deepEqual([code, message, details], ["not_found", "m", { a: 1 }]);
    return true;
  });
  assert.equal(await one.run("x", never), "x2");
});

Deno.test("lines for the log are passed on, and settle nothing", async () => {
  const lines: string[] = [];
  using one = pool(1, { log: (line) => lines.push(line) });
  assert.equal(await one.run("log", never), "log1");
  assert.deepEqual(lines, ["started", "a line"]);
});

for (const how of ["Deno.exit", "process.exit", "close"]) {
  Deno.test(`${how}() in a worker costs its job, at once, and nothing else`, async () => {
    const lines: string[] = [];
    using two = pool(2, { log: (line) => lines.push(line) });
    await within("the start", two.ready);
    const [failed, other, next] = await within(
      "the answers",
      Promise.allSettled(
        [how, "other", "next"].map((it) => two.run(it, never)),
      ),
    );
    assert.equal(failed?.status, "rejected");
    const { code, message } = RpcError.from(failed.reason);
    assert.equal(code, "aborted");
    assert.equal(message, "the worker ended before its answer was complete");
    assert.deepEqual([other?.status, next?.status], ["fulfilled", "fulfilled"]);
    assert.ok(lines.includes(`${message}; starting another`), lines.join("\n"));
  });
}

Deno.test("what a worker posts beside its port is nobody's answer", async () => {
  const lines: string[] = [];
  using one = pool(1, { log: (line) => lines.push(line) });
  assert.equal(await within("a", one.run("stray", never)), "stray1");
  assert.equal(await within("b", one.run("x", never)), "x2");
  assert.deepEqual(lines, ["started"]);
});

Deno.test("a message that makes no sense ends its job and its worker", async () => {
  using one = pool(1);
  await assert.rejects(within("the end", one.run("senseless", never)), {
    code: "internal",
    message: "the worker sent an invalid message",
  });
  assert.equal(await within("the next", one.run("x", never)), "x1");
});

Deno.test("a worker that ends idle is replaced, and the pool tells of it", async () => {
  const ended = Promise.withResolvers<string>();
  const log = (line: string) => {
    if (line !== "started") ended.resolve(line);
  };
  using one = pool(1, { log });
  await within("the start", one.ready);
  assert.equal(one.problem, undefined);
  assert.equal(await one.run("close later", never), "close later1");
  const line = await within("its end", ended.promise);
  assert.match(line, /^the worker ended .*; starting another in \d+ms$/);
  assert.match(one.problem!, /^no worker is running: the worker ended/);
  assert.equal(await within("the next", one.run("x", never)), "x1");
  assert.equal(one.problem, undefined);
});

startTest(
  "workers that end as they start are started less and less often",
  async () => {
    const dying = scriptOf("const onJob = () => self.close();");
    using one = new WorkerPool<string, string>(dying, 1, "first");
    await assert.rejects(within("a start", one.ready), { code: "aborted" });
    const startedMs = performance.now();
    for (const job of ["a", "b", "c"]) {
      await assert.rejects(within(job, one.run(job, never)), {
        code: "aborted",
      });
    }
    // Backoffs of 200, 400 and 800 ms, less a half at most.
    assert.ok(performance.now() - startedMs > 600);
    assert.match(one.problem!, /no worker is running/);
  },
);

startTest(
  "a script that can't start fails each job that waits for it",
  async () => {
    const broken = scriptOf('throw new Error("no good");');
    using two = new WorkerPool<string, string>(broken, 2, "first");
    const ends = ["a", "b", "c"].map((job) =>
      assert.rejects(within("the end of a job", two.run(job, never)), /no good/)
    );
    await assert.rejects(within("a start", two.ready), /no good/);
    await Promise.all(ends);
    await assert.rejects(within("another", two.run("d", never)), /no good/);
  },
);

Deno.test("a first job that fails is the answer to one that waits", async () => {
  const refusing = scriptOf(`
    const error = { code: "not_found", message: "no such file" };
    const onJob = () => post({ error });
  `);
  using one = new WorkerPool<string, string>(refusing, 1, "first");
  const job = one.run("a", never);
  await assert.rejects(within("a start", one.ready), { code: "not_found" });
  await assert.rejects(within("the job", job), { code: "not_found" });
});

startTest(
  "one that fails to start leaves the others to their jobs",
  async () => {
    const url = scriptOf(`
    const onJob = ({ does }) => {
      if (does === "fail") throw new Error("no start");
      if (does === "throw") throw new Error("thrown");
      post({ output: does });
    };
  `);
    const first = { does: "start" };
    using two = new WorkerPool<typeof first, string>(url, 2, first);
    await within("two starts", two.ready);
    first.does = "fail";
    await assert.rejects(two.run({ does: "throw" }, never), /thrown/);
    for (const does of ["a", "b", "c"]) {
      assert.equal(await within(does, two.run({ does }, never)), does);
    }
  },
);

Deno.test("a pool is ready when all its workers are", async () => {
  using two = pool(2);
  await within("two starts", two.ready);
  assert.deepEqual(
    await Promise.all([two.run("a", never), two.run("b", never)]),
    ["a1", "b1"],
  );
});

test("workers may do nothing, unless they are given it", async () => {
  using none = pool(1);
  assert.notEqual(await none.run("read", never), "granted");
  using reading = pool(1, { permissions: { read: true } });
  assert.equal(await reading.run("read", never), "granted");
});

startTest(
  "a pool that is closed while it starts is never ready, and takes no jobs",
  async () => {
    const two = pool(2);
    const job = two.run("a", never);
    two[Symbol.dispose]();
    await assert.rejects(within("a start", two.ready), { code: "aborted" });
    await assert.rejects(within("its job", job), { code: "aborted" });
    await assert.rejects(two.run("b", never), { code: "aborted" });
  },
);

Deno.test("a pool that is closed answers all that it has", async () => {
  const two = pool(2);
  await two.ready;
  const jobs = ["spin", "spin", "waiting"].map((job) => two.run(job, never));
  two[Symbol.dispose]();
  for (const { status } of await Promise.allSettled(jobs)) {
    assert.equal(status, "rejected");
  }
});
