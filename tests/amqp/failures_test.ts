// Tests of src/amqp/connect_failures.ts and channel_failures.ts.

import assert from "node:assert/strict";
import {
  ClosedByBroker,
  replyCodeOf,
} from "../../src/amqp/closed_by_broker.ts";
import {
  channelFailure,
  rejected,
  unsendable,
} from "../../src/amqp/channel_failures.ts";
import { NotAmqpError } from "../../src/amqp/protocol_check.ts";
import { connectFailure } from "../../src/amqp/connect_failures.ts";
import { connectSettings } from "../../src/amqp/options.ts";
import type { RpcError } from "../../src/rpc/errors.ts";

const { brokers: [broker] } = connectSettings("amqp://ann:s3cr3t@host/shop", {
  connectTimeoutMs: 1_500,
});

function connecting(cause: unknown): RpcError {
  return connectFailure(cause, broker);
}

function kind({ code, reason }: RpcError): (string | undefined)[] {
  return [code, reason];
}

/** What a broker closes something with, of words that end with their code. */
function closedBy(
  what: "channel" | "connection",
  words: string,
): ClosedByBroker {
  const [, replyText, replyCode] = /^(.*) \((\d{3})\)$/s.exec(words)!;
  return new ClosedByBroker(what, Number(replyCode), replyText!);
}

Deno.test("why no connection could be made, in words", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 1.2.3.4"), {
    code: "ECONNREFUSED",
  });
  const error = connecting(refused);
  assert.deepEqual(kind(error), ["unavailable", "broker_unreachable"]);
  const message = "cannot reach a broker at host:5672 (connection refused)";
  assert.equal(error.message, message);
  assert.equal(error.cause, refused);

  for (
    const [message, why] of [
      ["Name or service not known", "unknown host"],
      ["nodename nor servname provided, or not known", "unknown host"],
      ["Temporary failure in name resolution", "host lookup failed"],
    ]
  ) {
    const failed = `failed to lookup address information: ${message}`;
    const error = connecting(new Error(failed));
    assert.ok(error.message.endsWith(`(${why})`), error.message);
  }

  const odd = Object.assign(new Error("something odd"), { code: "EODD" });
  assert.match(connecting(odd).message, /\(something odd\)$/);
  assert.match(connecting("just text").message, /\(just text\)$/);
  const late = new DOMException("signal timed out", "TimeoutError");
  assert.match(connecting(late).message, /\(no answer within 1.5s\)$/);
});

Deno.test("who was refused, but not the password", () => {
  const login = connecting(closedBy("connection", "ACCESS_REFUSED (403)"));
  assert.deepEqual(kind(login), ["unauthenticated", "refused"]);
  assert.match(login.message, /user "ann" on vhost "shop" \(403\)/);
  const vhost = connecting(closedBy("connection", "NOT_ALLOWED (530)"));
  assert.deepEqual(kind(vhost), ["permission_denied", "refused"]);
  for (const { message } of [login, vhost]) {
    assert.equal(message.includes("s3cr3t"), false);
  }
});

/** The words of RabbitMQ 3.10, 4.0 and 4.3, and their code. */
const passing: [string, string][] = [
  [
    "of the vhost",
    "NOT_ALLOWED - access to vhost 'shop' refused for user 'ann': " +
    "connection limit (1) is reached (530)",
  ],
  [
    "of the node",
    "NOT_ALLOWED - connection refused: node connection limit (9) is reached (530)",
  ],
  [
    "of the user",
    "NOT_ALLOWED - connection refused for user 'ann': " +
    "user connection limit (0) is reached (530)",
  ],
  [
    "that is not known",
    "NOT_ALLOWED - access to vhost 'shop' refused for user 'ann': " +
    "connection limit cannot be queried, timeout (530)",
  ],
  [
    "whose words were cut off",
    `NOT_ALLOWED - access to vhost '${"s".repeat(200)}... (530)`,
  ],
  [
    "of an authority that is away",
    "NOT_ALLOWED - access to vhost 'shop' refused for user 'ann', backend " +
    "rabbit_auth_backend_http returned an error: {failed_connect,[]} (530)",
  ],
  [
    "a vhost that is down",
    "INTERNAL_ERROR - access to vhost 'shop' refused for user 'ann': " +
    "vhost 'shop' is down (541)",
  ],
];

for (const [what, words] of passing) {
  Deno.test(`a limit that passes is no refusal: ${what}`, () => {
    const error = connecting(closedBy("connection", words));
    assert.equal(error.reason, "not_admitted");
    assert.equal(
      error.message,
      `host:5672 accepts no connection for now: ${words}`,
    );
  });
}

Deno.test("what no patience mends is a refusal", () => {
  const refusals = [
    "NOT_ALLOWED - access to vhost 'shop' refused for user 'ann' (530)",
    "NOT_ALLOWED - vhost shop not found (530)",
    "NOT_ALLOWED - access to vhost 'shop' refused for user 'ann' by backend " +
    "rabbit_auth_backend_http: denied (530)",
    "NOT_ALLOWED - vhost connection limit (1) is reached not found (530)",
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. " +
    "For details see the broker logfile. (403)",
  ];
  for (const words of refusals) {
    const { reason } = connecting(closedBy("connection", words));
    assert.equal(reason, "refused", words);
  }
});

Deno.test("a token that has expired may be followed by another", () => {
  const { reason } = channelFailure(closedBy(
    "channel",
    "ACCESS_REFUSED - access to queue 'q' in vhost '/' " +
      "refused for user 'ann', backend rabbit_auth_backend_oauth2 returned an " +
      'error: <<"Provided JWT token has expired at timestamp 1 (validated at ' +
      '2)">> (403)',
  ));
  assert.equal(reason, "not_admitted");
});

Deno.test("what came instead of AMQP", () => {
  const came = (...bytes: number[]) =>
    kind(connecting(new NotAmqpError(Uint8Array.from(bytes))));
  assert.deepEqual(came(21, 3, 1), ["unavailable", "tls_required"]);
  assert.deepEqual(came(22, 3, 3), ["unavailable", "tls_required"]);
  assert.deepEqual(came(21, 4), ["unavailable", "not_amqp"]);
  assert.deepEqual(came(72, 84, 84, 80), ["unavailable", "not_amqp"]);
  assert.deepEqual(came(), ["unavailable", "not_amqp"]);
});

Deno.test("replyCodeOf() tells the code that the broker sent", () => {
  assert.equal(replyCodeOf(new ClosedByBroker("channel", 404, "(500)")), 404);
  assert.equal(replyCodeOf(new Error("channel closed (404)")), undefined);
  assert.equal(replyCodeOf("closed (404)"), undefined);
  assert.equal(replyCodeOf(undefined), undefined);
});

Deno.test("what the broker says is text, whatever its bytes", () => {
  const { message, replyText } = new ClosedByBroker(
    "channel",
    404,
    "NOT_FOUND - no queue '\xc3\xa9\xff'",
  );
  assert.equal(replyText, "NOT_FOUND - no queue 'é\udcff'");
  assert.equal(message, `channel closed: ${replyText} (404)`);
});

Deno.test("why a channel failed", () => {
  const denied = channelFailure(closedBy("channel", "ACCESS_REFUSED (403)"));
  assert.deepEqual(kind(denied), ["permission_denied", "refused"]);
  const closed = channelFailure(closedBy("channel", "NOT_FOUND (404)"));
  assert.deepEqual(kind(closed), ["unavailable", "connection_lost"]);
  assert.match(closed.message, /NOT_FOUND/);
  assert.equal(channelFailure(closed), closed);
});

Deno.test("a right that is missing, and a queue that is taken, in words", () => {
  const at = "to queue 'calc' in vhost 'shop' refused for user 'bob' (403)";
  const refused = (text: string) =>
    channelFailure(closedBy("channel", `ACCESS_REFUSED - ${text}`));
  const without = refused(`access ${at}`);
  assert.equal(
    without.message,
    'user "bob" has no permission on queue "calc" on vhost "shop" (403)',
  );
  const write = refused(`write access ${at}`);
  assert.match(write.message, /^user "bob" has no write permission on queue/);
  assert.deepEqual(kind(write), ["permission_denied", "refused"]);
  const taken = refused("queue 'calc' in vhost '/' in exclusive use (403)");
  assert.match(taken.message, /^another consumer has queue "calc" to itself/);
  assert.deepEqual(kind(taken), ["failed_precondition", "locked"]);
});

Deno.test("why a message was not confirmed", () => {
  assert.deepEqual(kind(rejected()), ["resource_exhausted", "rejected"]);
  const lost = channelFailure(new Error("the channel was closed"));
  assert.deepEqual(kind(lost), ["unavailable", "connection_lost"]);
  const odd = unsendable(new TypeError("Unsupported type"));
  assert.deepEqual(kind(odd), ["invalid_argument", undefined]);
  assert.match(odd.message, /can't be sent: Unsupported type/);
});
