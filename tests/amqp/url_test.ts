// Tests of src/amqp/url.ts and src/amqp/url_parameters.ts, through the settings
// that they end in.

import assert from "node:assert/strict";
import {
  type ConnectOptions,
  connectSettings,
} from "../../src/amqp/options.ts";
import { brokerUrl } from "../../src/amqp/broker_address.ts";

function settings(url: string, options?: ConnectOptions) {
  return connectSettings(url, options).brokers[0];
}

function refusal(url: string, options?: ConnectOptions): string {
  try {
    connectSettings(url, options);
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return error.message;
  }
  assert.fail(`taken: ${url}`);
}

const unencoded: [string, RegExp][] = [
  ["amqp://guest:123#4@127.0.0.1", /"#".* percent-encode .*%23/],
  ["amqp://guest:123?4@127.0.0.1", /"\?".*%3F/],
  ["amqp://guest:123/4@127.0.0.1", /"\/".*%2F/],
  ["amqp://guest:123@4@127.0.0.1", /"@".*%40/],
  ["amqp://guest:123 4@127.0.0.1", /space.*%20/],
  ["amqp://guest:123\n4@127.0.0.1", /space.*%20/],
  ["amqp://gu#est:1234@127.0.0.1", /"#".*%23/],
  ["amqp://guest:1234@127.0.0.1/v#4", /"#".*%23/],
  ["amqp://guest:1234@127.0.0.1/v@w", /"@".*%40/],
];

for (const [url, message] of unencoded) {
  Deno.test(`what ends a part too early is refused: ${JSON.stringify(url)}`, () => {
    const refused = refusal(url);
    assert.match(refused, message);
    assert.doesNotMatch(refused, /123|guest|127/);
  });
}

Deno.test("the vhost is one segment, or none", () => {
  const vhosts: Record<string, string> = {
    "": "/",
    "/": "/",
    "//": "/",
    "/%2f": "/",
    "/.": ".",
    "/a%2Fb": "a/b",
    "/a+b:c": "a+b:c",
  };
  for (const [path, vhost] of Object.entries(vhosts)) {
    assert.equal(settings(`amqp://host${path}`).vhost, vhost, path);
  }
  for (const path of ["/a/b", "//a", "/a/"]) {
    assert.match(refusal(`amqp://host${path}`), /more than one "\/".*%2F/);
  }
});

Deno.test("hosts: names in any script, addresses, nothing else", () => {
  const hosts: Record<string, string> = {
    "MQ.example": "MQ.example",
    "my_mq-1": "my_mq-1",
    "b%C3%BCcher.example": "xn--bcher-kva.example",
    "bücher.example": "xn--bcher-kva.example",
    "例え.jp": "xn--r8jz45g.jp",
    "mq%2Dtwo": "mq-two",
    "10.0.0.1": "10.0.0.1",
    "[::1]": "::1",
    "[2001:db8::1]": "2001:db8::1",
  };
  for (const [host, hostname] of Object.entries(hosts)) {
    const broker = settings(`amqp://u:p@${host}:1`);
    assert.equal(broker.hostname, hostname);
    assert.doesNotMatch(brokerUrl(broker), /[^\x20-\x7e]/);
  }
  for (const host of ["a,b", "a%20b", "ü%2Fb", "ü<b", "[::g]", "[1.2.3.4]"]) {
    assert.match(refusal(`amqp://${host}`), /^url must have /, host);
  }
  for (const zone of ["[fe80::1%25eth0]", "[fe80::1%eth0]"]) {
    assert.match(refusal(`amqp://${zone}`), /without a zone/);
  }
});

Deno.test("ports from 1 to 65535", () => {
  assert.equal(settings("amqp://host:").port, 5672);
  assert.equal(settings("amqp://host:65535").port, 65_535);
  for (const port of ["0", "65536", "99999999999999999999"]) {
    assert.match(refusal(`amqp://host:${port}`), /port from 1 to 65535/);
  }
  for (const place of [":5672", "u@", "u:p@/v", "host:port", "host:1:2"]) {
    assert.match(refusal(`amqp://${place}`), /url must look like/, place);
  }
});

Deno.test("parameters of RabbitMQ's URI specification", () => {
  const query = "heartbeat=5&connection_timeout=2500&channel_max=8&" +
    "frame_max=8192&auth_mechanism=PLAIN";
  const { heartbeatS, connectTimeoutMs, channelMax, frameMax } = settings(
    `amqp://host/v?${query}`,
  );
  assert.deepEqual(
    [heartbeatS, connectTimeoutMs, channelMax, frameMax],
    [5, 2_500, 8, 8_192],
  );
  assert.equal(settings("amqp://host?heartbeat=0").heartbeatS, 0);
  assert.equal(settings("amqp://host?").heartbeatS, 20);
});

Deno.test("an option wins over the URL, each broker has its own", () => {
  const url = "amqp://a?heartbeat=5&connection_timeout=2500";
  const options = { heartbeatMs: 7_000, connectTimeoutMs: 1 };
  const { heartbeatS, connectTimeoutMs } = settings(url, options);
  assert.deepEqual([heartbeatS, connectTimeoutMs], [7, 1]);
  const { brokers } = connectSettings(`${url},amqp://b,amqp://c?heartbeat=0`);
  assert.deepEqual(brokers.map(({ heartbeatS }) => heartbeatS), [5, 20, 0]);
});

Deno.test("parameters of TLS", () => {
  const { tlsSettings } = settings(
    "amqps://host?verify=verify_none&server_name_indication=mq.internal&" +
      "fail_if_no_peer_cert=true",
  );
  assert.equal(tlsSettings.insecure, true);
  assert.equal(tlsSettings.servername, "mq.internal");
  const verified = settings("amqps://host?verify=verify_none", {
    tls: { insecure: false, servername: "other" },
  });
  assert.equal(verified.tlsSettings.insecure, false);
  assert.equal(verified.tlsSettings.servername, "other");
});

Deno.test("files that a URL names are read", () => {
  const asked: [string, string][] = [];
  const read = (path: string, parameter: string) => {
    asked.push([path, parameter]);
    return new TextEncoder().encode("no PEM");
  };
  const url = "amqps://host?cacertfile=/a%20b/ca.pem&certfile=c&keyfile=k+";
  assert.throws(() => connectSettings(url, {}, read), /cert must be a cert/);
  assert.deepEqual(asked, [
    ["c", "certfile"],
    ["k+", "keyfile"],
    ["/a b/ca.pem", "cacertfile"],
  ]);
  assert.match(
    refusal("amqps://host?cacertfile=/no/such.pem"),
    /^cacertfile of the url can't be read: .*no such file/,
  );
});

const refused: [string, RegExp][] = [
  ["hartbeat=5", /parameter "hartbeat".* auth_mechanism, .*heartbeat/],
  ["depth=2", /parameter "depth", which is not supported/],
  ["password=x", /parameter "password", which is not supported/],
  ["heartbeat=5s", /heartbeat of the url must be a whole number from 0 to/],
  ["heartbeat=70000", /heartbeat of the url must be/],
  ["connection_timeout=0", /connection_timeout of the url must be/],
  ["frame_max=100", /frame_max of the url must be .* from 4096/],
  [
    "auth_mechanism=none",
    /auth_mechanism of the url must be plain or external/,
  ],
  ["heartbeat", /a value for each parameter/],
  ["heartbeat=", /a value for each parameter: heartbeat/],
  ["verify=verify_none", /verify needs a URL with amqps/],
  ["cacertfile=/x", /cacertfile needs a URL with amqps/],
  ["__proto__=1", /"__proto__", which is not supported/],
];

for (const [query, message] of refused) {
  Deno.test(`a parameter that means nothing here is refused: ${query}`, () => {
    assert.match(refusal(`amqp://host/v?${query}`), message);
  });
}

Deno.test("values of TLS parameters that are refused", () => {
  const verify = refusal("amqps://host?verify=verify_all");
  assert.match(verify, /verify of the url must be verify_peer or verify_none/);
  const peer = refusal("amqps://host?fail_if_no_peer_cert=1");
  assert.match(peer, /must be true or false/);
});
