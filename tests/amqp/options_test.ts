// Tests of src/amqp/options.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { connectSettings } from "../../src/amqp/options.ts";
import {
  type BrokerAddress,
  brokerName,
  brokerUrl,
} from "../../src/amqp/broker_address.ts";

/** Where it is and who logs in, without the settings of the connection. */
function broker(url: string): BrokerAddress {
  const [{ hostname, port, tls, vhost, username, password, mechanism }] =
    connectSettings(url).brokers;
  return { hostname, port, tls, vhost, username, password, mechanism };
}

function errorOf(action: () => unknown): Error | undefined {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
}

Deno.test("a bare URL has RabbitMQ's defaults", () => {
  const guest = {
    vhost: "/",
    username: "guest",
    password: "guest",
    mechanism: "PLAIN",
  };
  assert.deepEqual(broker("amqp://host"), {
    hostname: "host",
    port: 5672,
    tls: false,
    ...guest,
  });
  assert.deepEqual(broker("amqps://host"), {
    hostname: "host",
    port: 5671,
    tls: true,
    ...guest,
  });
  assert.equal(broker("amqp://").hostname, "localhost");
  assert.equal(broker("amqp:///v").vhost, "v");
});

Deno.test("all parts of a URL are taken", () => {
  assert.deepEqual(broker("amqp://ann:pw@broker.example:1234/shop"), {
    hostname: "broker.example",
    port: 1234,
    tls: false,
    vhost: "shop",
    username: "ann",
    password: "pw",
    mechanism: "PLAIN",
  });
});

Deno.test("a client certificate alone logs in where it is asked for", () => {
  const external = (url: string) =>
    connectSettings(`${url}?auth_mechanism=EXTERNAL`);
  for (const url of ["amqp://host", "amqps://host"]) {
    assert.match(
      String(errorOf(() => external(url))),
      /RangeError: auth_mechanism=external .* needs amqps:\/\/ and a certificate/,
    );
  }
});

Deno.test("the vhost is percent-decoded, once", () => {
  const vhost = (path: string) => broker(`amqp://host${path}`).vhost;
  assert.equal(vhost("/"), "/");
  assert.equal(vhost("/%2F"), "/");
  assert.equal(vhost("/%2f"), "/");
  assert.equal(vhost("/a%2Fb"), "a/b");
  assert.equal(vhost("/a%252Fb"), "a%2Fb");
  assert.equal(vhost("/a%20b"), "a b");
});

Deno.test("IPv6 addresses lose their brackets, and get them back in names", () => {
  const address = broker("amqp://[::1]:5673/");
  assert.equal(address.hostname, "::1");
  assert.equal(address.port, 5673);
  assert.equal(brokerName(address), "[::1]:5673");
  assert.equal(brokerName(broker("amqp://host")), "host:5672");
});

Deno.test("any user, password and vhost survive percent-encoding", () => {
  const part = fc.string({ unit: "binary", minLength: 1, maxLength: 30 })
    .filter((text) => text.isWellFormed());
  fc.assert(fc.property(part, part, part, (username, password, vhost) => {
    const [u, p, v] = [username, password, vhost].map(encodeURIComponent);
    const parsed = broker(`amqp://${u}:${p}@host/${v}`);
    assert.deepEqual(
      [parsed.username, parsed.password, parsed.vhost],
      [username, password, vhost],
    );
  }));
});

Deno.test("options win over the URL", () => {
  const { brokers } = connectSettings(
    ["amqp://a:b@one", "amqp://two"],
    { username: "c", password: "d@/%" },
  );
  const logins = brokers.map(({ username, password }) => [username, password]);
  assert.deepEqual(logins, [["c", "d@/%"], ["c", "d@/%"]]);
});

Deno.test("several URLs are a list, or text with commas", () => {
  const hosts = (urls: string | string[]) =>
    connectSettings(urls).brokers.map(({ hostname }) => hostname);
  assert.deepEqual(hosts(["amqp://a", "amqp://b"]), ["a", "b"]);
  assert.deepEqual(hosts("amqp://a, amqps://b"), ["a", "b"]);
  assert.throws(() => connectSettings([]), RangeError);
});

Deno.test("a comma in a password does not split it", () => {
  const [first, ...rest] = connectSettings("amqp://u:a,b@host").brokers;
  assert.equal(first.password, "a,b");
  assert.equal(rest.length, 0);
});

Deno.test("what is no AMQP URL is refused", () => {
  const bad = [
    "",
    "localhost",
    "localhost:5672",
    "http://host",
    "amqp://host:port",
    "amqp://host:99999",
    "amqp://[::1",
    "amqp:host",
    "amqp:u:p@host",
    "amqp://ho st",
  ];
  for (const url of bad) {
    assert.throws(() => connectSettings(url), RangeError, url);
  }
});

Deno.test("what is not percent-encoded UTF-8 is refused", () => {
  for (const url of ["amqp://u:%zz@host", "amqp://%ff@host", "amqp://h/%"]) {
    assert.throws(() => connectSettings(url), /percent-encoded UTF-8/);
  }
});

Deno.test("the other settings have defaults and limits", () => {
  const { name, brokers } = connectSettings("amqp://h");
  const { connectTimeoutMs, heartbeatS } = brokers[0];
  assert.deepEqual(
    [connectTimeoutMs, heartbeatS, name],
    [10_000, 20, "rabbit-rpc"],
  );
  const given = { connectTimeoutMs: 1, heartbeatMs: 3_000, name: "n" };
  const settings = connectSettings("amqp://h", given);
  assert.equal(settings.brokers[0].connectTimeoutMs, 1);
  assert.equal(settings.brokers[0].heartbeatS, 3);
  assert.equal(settings.name, "n");
  const off = connectSettings("amqp://h", { heartbeatMs: 0 }).brokers[0];
  assert.equal(off.heartbeatS, 0);
  const refused = (options: Parameters<typeof connectSettings>[1]) => {
    const name = new RegExp(`^${Object.keys(options!)[0]} must`);
    const error = errorOf(() => connectSettings("amqp://h", options));
    assert.ok(error instanceof RangeError && name.test(error.message));
  };
  refused({ connectTimeoutMs: 0 });
  refused({ connectTimeoutMs: Infinity });
  refused({ heartbeatMs: 1_500 });
  refused({ heartbeatMs: -1_000 });
  refused({ heartbeatMs: NaN });
  refused({ heartbeatMs: 65_536_000 });
});

Deno.test("a connect time-out that no timer can hold is refused", () => {
  const long = { connectTimeoutMs: 2 ** 31 };
  assert.throws(() => connectSettings("amqp://h", long), /connectTimeoutMs/);
});

const SECRET = "s3cr3t";

const leaks: [string, string][] = [
  ["a port out of range", `amqp://ann:${SECRET}@host:99999`],
  ["another scheme", `http://ann:${SECRET}@host`],
  ["no scheme", `ann:${SECRET}@host:5672`],
  ["a scheme without its colon", `amqp//ann:${SECRET}@host`],
  ["a user that is a mail address", `amqp://ann@x.org:${SECRET}@host:99999`],
  ["a user with a slash", `amqp://an/n:${SECRET}@host/%`],
  ["a password with a line break", `amqp://ann:%zz\n${SECRET}@host`],
  ["a password with a comma", `amqp://ann:${SECRET},x@host`],
  ["a password with a slash", `amqp://ann:x/${SECRET}@host`],
  ["a password with a hash", `amqp://ann:x#${SECRET}@host`],
  ["a password with a question mark", `amqp://ann:x?${SECRET}@host`],
];

for (const [what, url] of leaks) {
  Deno.test(`no error shows a password: ${what}`, () => {
    const error = errorOf(() => connectSettings(url));
    assert.equal(String(error?.stack).includes(SECRET), false, error?.message);
  });
}

Deno.test("no error shows a password, whatever a URL looks like", () => {
  const punctuation = fc.constantFrom(..."@:/?#[]%,\\ \n\t.é\0", "%zz", "%40");
  const piece = fc.array(
    fc.oneof(punctuation, fc.constantFrom("a", "1")),
    { maxLength: 4 },
  ).map((parts) => parts.join(""));
  const url = fc.record({
    scheme: fc.constantFrom("amqp://", "amqps://", "http://", "amqp:", ""),
    user: piece,
    before: piece,
    after: piece,
    rest: fc.constantFrom("@host", "@host:99999", "@host/%zz", "@[::1", "@"),
  });
  const run = fc.property(url, ({ scheme, user, before, after, rest }) => {
    const url = `${scheme}${user}:${before}${SECRET}${after}${rest}`;
    const error = errorOf(() => connectSettings(url));
    assert.equal(String(error?.message).includes(SECRET), false, url);
  });
  fc.assert(run, { numRuns: 2_000 });
});

Deno.test("the URL of a broker: complete, without its password", () => {
  const shown: [string, string][] = [
    ["amqp://", "amqp://guest@localhost:5672/"],
    ["amqps://bob:s3cr3t@mq/prod", "amqps://bob@mq:5671/prod"],
    ["amqp://b%2Fb:x@[::1]:1/%2Fprod", "amqp://b%2Fb@[::1]:1/%2Fprod"],
  ];
  for (const [url, expected] of shown) {
    const [broker] = connectSettings(url).brokers;
    assert.equal(brokerUrl(broker!), expected);
  }
});
