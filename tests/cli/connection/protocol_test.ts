// What answers at the URL is no broker, or not one that lets us in.

import { test } from "../../support/needs.ts";
import assert from "node:assert/strict";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { scene, temporaryFile } from "../scene.ts";

/** Says the same to whoever connects, and closes after what it reads. */
function listener(says: Uint8Array): { port: number } & AsyncDisposable {
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of server) {
      connections.push(connection);
      await connection.write(says);
    }
  })();
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}

const HTTP = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
/** What RabbitMQ answers to a protocol header that it does not know. */
const AMQP_1_0 = new TextEncoder().encode("AMQP\x00\x01\x00\x00");
const TLS_ALERT = Uint8Array.of(21, 3, 1, 0, 2, 2, 40);

test("what does not speak AMQP is 76", async () => {
  for (const says of [HTTP, AMQP_1_0]) {
    await using other = listener(says);
    const url = `amqp://127.0.0.1:${other.port}`;
    const { client } = await scene({ url });
    const { code, stdout, stderr } = await client(["1"]);
    assert.equal(
      stderr,
      `rabbit-rpc: 127.0.0.1:${other.port} does not speak AMQP 0-9-1. ` +
        "Check host and port of --url.\n",
    );
    assert.deepEqual([code, stdout], [76, ""]);
  }
});

test("TLS on the other side only is 76", async () => {
  await using other = listener(TLS_ALERT);
  const { client } = await scene({ url: `amqp://127.0.0.1:${other.port}` });
  const { code, stdout, stderr } = await client(["1"]);
  assert.equal(
    stderr,
    `rabbit-rpc: 127.0.0.1:${other.port} speaks TLS, but the URL is ` +
      "amqp://. Use amqps://.\n",
  );
  assert.deepEqual([code, stdout], [76, ""]);
});

rabbitMqTest("TLS on our side only is 76", async () => {
  const { port } = await sharedRabbitMq();
  const { client } = await scene({ url: `amqps://127.0.0.1:${port}` });
  const { code, stderr } = await client(["-t", "10s", "1"]);
  assert.match(stderr, /^rabbit-rpc: 127\.0\.0\.1:\d+ .*TLS[^\n]*\n$/);
  assert.equal(code, 76);
});

test("a broker that says nothing is 75 after --connect-timeout", async () => {
  await using other = listener(new Uint8Array(0));
  const { client } = await scene({ url: `amqp://127.0.0.1:${other.port}` });
  const { code, stderr } = await client(["--connect-timeout", "200ms", "1"]);
  const start = "rabbit-rpc: cannot reach a broker at " +
    `127.0.0.1:${other.port} (no answer within 200ms). `;
  assert.equal(stderr.slice(0, start.length), start);
  assert.equal(code, 75);
});

test("the call's own time-out holds while connecting too", async () => {
  await using other = listener(new Uint8Array(0));
  const { client } = await scene({ url: `amqp://127.0.0.1:${other.port}` });
  const { code, stderr } = await client(["-t", "200ms", "1"]);
  assert.match(stderr, /within 200ms; the request was not sent/);
  assert.equal(code, 124);
});

rabbitMqTest("a refused login is 77, for client and server", async () => {
  const { port, ctl } = await sharedRabbitMq();
  assert.match(await ctl("list_vhosts"), /^\/$/m);
  await using wrong = await temporaryFile("not-the-Password\n");
  const advice = "Check --password-file and the user's permissions on the " +
    "vhost.\n";
  const url = `amqp://guest@127.0.0.1:${port}`;
  const password = ["--password-file", wrong.path];
  const refused = 'rabbit-rpc: login refused for user "guest" on vhost ';
  const login = await (await scene({ url })).client([...password, "1"]);
  assert.equal(login.stderr, `${refused}"/" (403). ${advice}`);
  assert.deepEqual([login.code, login.stdout], [77, ""]);
  const vhost = await (await scene({ url: `${url}/nope%2fa` })).client(["1"]);
  assert.equal(vhost.stderr, `${refused}"nope/a" (530). ${advice}`);
  assert.equal(vhost.code, 77);
  const { runServer } = await scene({ url });
  const server = await runServer(["--builtin", "fib", ...password]);
  assert.equal(server.stderr, `${refused}"/" (403). ${advice}`);
  assert.deepEqual([server.code, server.stdout], [77, ""]);
});
