// OAuth 2 tokens that are renewed while connections live, and between them.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSign, generateKeyPairSync } from "node:crypto";
import { connected } from "./connected.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { within } from "../support/within.ts";

const LIFE_S = 10;
/** As large as a token of many groups gets. */
const PADDING = "group ".repeat(2_000);

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Makes tokens that this key signs. */
function issuer() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
  });
  const header = base64url({ alg: "RS256", typ: "JWT", kid: "key" });
  let serial = 0;
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }) as string,
    issue(expiresS: number): string {
      const everything = ["configure", "read", "write"];
      const claims = base64url({
        aud: ["rabbitmq"],
        sub: "calc",
        exp: expiresS,
        jti: ++serial,
        groups: PADDING,
        scope: everything.map((right) => `rabbitmq.${right}:*/*`),
      });
      const signed = `${header}.${claims}`;
      const signature = createSign("RSA-SHA256").update(signed)
        .sign(privateKey, "base64url");
      return `${signed}.${signature}`;
    },
  };
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

rabbitMqTest("a connection outlives its tokens", { slow: true }, async () => {
  const { publicKey, issue } = issuer();
  const keyFile = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(keyFile, publicKey);
  // RabbitMQ may run as somebody else.
  await Deno.chmod(keyFile, 0o644);
  await using rabbitMq = await startRabbitMq({
    plugins: ["rabbitmq_auth_backend_oauth2"],
    config: [
      "auth_backends.1 = rabbit_auth_backend_oauth2",
      "auth_oauth2.resource_server_id = rabbitmq",
      `auth_oauth2.signing_keys.key = ${keyFile}`,
      "auth_oauth2.default_key = key",
      "auth_oauth2.algorithms.1 = RS256",
      "initial_frame_max = 65536",
    ].join("\n"),
  });
  const firstExpiresS = nowS() + LIFE_S;
  let token = issue(firstExpiresS);
  assert.ok(token.length > 10_000);
  const options = {
    username: "calc",
    password: () => token,
    passwordPollMs: 200,
  };
  await using serving = await connected(rabbitMq.url, options);
  await using calling = await connected(rabbitMq.url, options);
  let runs = 0;
  await serving.rpc.serve("tokens", ({ bytes }) => {
    runs++;
    return bytes;
  });
  assert.equal((await calling.rpc.call("tokens", "first")).text(), "first");
  token = issue(nowS() + 3_600);
  await Promise.all([
    serving.event("secret_updated"),
    calling.event("secret_updated"),
  ]);
  await waitUntil(
    "the first token to expire",
    () => nowS() > firstExpiresS + 1,
    60_000,
  );
  // Of the broker's own checks, with the token that it has now.
  assert.equal((await calling.rpc.inspect("tokens"))?.consumers, 1);
  assert.equal((await calling.rpc.call("tokens", "later")).text(), "later");
  assert.equal(runs, 2);
  const expected = ["connected", "secret_updated"];
  assert.deepEqual([serving.events, calling.events], [expected, expected]);
  // What is refused on the living connection ends it, and the next login, with
  // the newest token, is good.
  token = "no token";
  await serving.event("lost");
  await serving.event("unreachable");
  token = issue(nowS() + 3_600);
  await serving.event("connected", { occurrence: 2 });
  const call = calling.rpc.call("tokens", "again", { wait: true, retries: 3 });
  assert.equal((await within("the reply", call)).text(), "again");
  await Deno.remove(keyFile);
});
