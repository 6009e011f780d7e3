// Tests of src/amqp/tls and of the streams that speak TLS.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { connectFailure } from "../../../src/amqp/connect_failures.ts";
import { connectSettings } from "../../../src/amqp/options.ts";
import {
  dialDeno,
  nodeShowsClientCertificates,
} from "../../../src/amqp/streams/deno.ts";
import { dialNode } from "../../../src/amqp/streams/node_tls.ts";
import { tlsSettings } from "../../../src/amqp/tls/tls.ts";
import { connect, type RpcError, type TlsOptions } from "../../../src/mod.ts";
import {
  CertificateAuthority,
  type CertificateFiles,
  opensslMissing,
} from "../../support/certificates.ts";
import { testNeeding } from "../../support/needs.ts";
import { startTlsRabbitMq, tlsTest } from "../../support/tls_rabbitmq.ts";
import { within } from "../../support/within.ts";

const { brokers } = connectSettings("amqps://mq.internal");

/** What rustls says, and what becomes of it. */
const FAILURES: [string, RpcError["reason"], RegExp][] = [
  [
    "invalid peer certificate: UnknownIssuer",
    "untrusted",
    /^the certificate of "mq\.internal" is not trusted \(unknown issuer\)$/,
  ],
  [
    "invalid peer certificate: BadSignature",
    "untrusted",
    /is not trusted \(not signed by/,
  ],
  ["invalid peer certificate: Odd", "untrusted", /is not trusted \(Odd\)$/],
  ["invalid peer certificate: Expired", "certificate_expired", /has expired$/],
  [
    "invalid peer certificate: certificate not valid yet: verification time 1 " +
    "(UNIX), but certificate is not valid before 2 (1 seconds in future)",
    "certificate_expired",
    /is not valid yet$/,
  ],
  [
    'invalid peer certificate: certificate not valid for name "mq.internal"; ' +
    "certificate is not valid for any names (according to its " +
    "subjectAltName extension)",
    "wrong_host",
    /is for no name at all, not for mq\.internal$/,
  ],
  [
    "received fatal alert: CertificateRequired",
    "client_certificate",
    /^mq\.internal:5671 asks for a client certificate$/,
  ],
  [
    "received fatal alert: HandshakeFailure",
    "tls_incompatible",
    /^TLS with mq\.internal:5671 failed \(received .*: HandshakeFailure\)$/,
  ],
  [
    "received fatal alert: InternalError",
    // It may be about to stop, and is tried again.
    "broker_unreachable",
    /\(received fatal alert: InternalError\)$/,
  ],
  [
    "received corrupt message of type InvalidContentType",
    "not_tls",
    /does not speak TLS/,
  ],
];

Deno.test("what goes wrong with TLS, in words", () => {
  for (const [message, reason, expected] of FAILURES) {
    const cause = new Error(message);
    const error = connectFailure(cause, brokers[0]);
    assert.equal(error.reason, reason);
    assert.match(error.message, expected);
    assert.equal(error.cause, cause);
  }
});

Deno.test("TLS options that can't be used name themselves", () => {
  const wrong: [TlsOptions, RegExp][] = [
    [{ caCert: "" }, /^caCert must be a certificate/],
    [{ caCert: new Uint8Array(9) }, /^caCert must be a certificate/],
    [{ cert: "x" }, /^cert and key must be given together/],
    [{ key: "x" }, /^cert and key must be given together/],
    [{ cert: "x", key: "y" }, /^cert must be a certificate/],
    [{ servername: "::1" }, /^servername must be a name, got the address ::1/],
  ];
  for (const [tls, message] of wrong) {
    assert.throws(() => connectSettings("amqps://h", { tls }), {
      name: "RangeError",
      message,
    });
  }
  const insecure = { tls: { insecure: true } };
  assert.throws(() => connectSettings("amqp://h", insecure), {
    name: "RangeError",
    message: /insecure needs a URL with amqps:/,
  });
  const mixed = connectSettings("amqp://h,amqps://i", insecure);
  assert.equal(mixed.brokers[1].tlsSettings.insecure, true);
});

testNeeding(
  "a key that is not the certificate's is refused, and not shown",
  { needs: [opensslMissing()] },
  async () => {
    await using authority = await CertificateAuthority.create();
    const names = ["DNS:a"];
    const one = await authority.issue({ names });
    const cert = await Deno.readTextFile(one.cert);
    const key = await Deno.readTextFile(one.key);
    const other = await authority.issue({ names });
    assert.deepEqual(tlsSettings({ cert, key }).client, { cert, key });
    const otherKey = await Deno.readTextFile(other.key);
    const damaged = key.replace(/\n.{9}/, "\n");
    for (const wrong of [otherKey, damaged, cert]) {
      assert.throws(
        () => tlsSettings({ cert, key: wrong }),
        (error: Error) => {
          assert.match(error.message, /^key must be (the|a) private key/);
          const shown = Deno.inspect(error, { depth: 9, showHidden: true });
          assert.equal(shown.includes(wrong.slice(40, 60)), false);
          return error instanceof RangeError;
        },
      );
    }
  },
);

tlsTest(
  "the library with a client certificate, as text and bytes",
  async () => {
    await using broker = await startTlsRabbitMq({ mutual: true });
    const files = await broker.authority.issue({ names: ["DNS:client"] });
    const url = `amqps://guest:s3cr3t@localhost:${broker.port}`;
    const tls = {
      caCert: await Deno.readTextFile(broker.authority.cert),
      cert: await Deno.readFile(files.cert),
      key: await Deno.readTextFile(files.key),
    };
    const inLibrary = async (options: { password?: string }) => {
      await using rpc = await connect(url, { ...options, tls });
      return await rpc.inspect("no-such-queue");
    };
    assert.equal(await inLibrary({ password: "guest" }), undefined);

    // What the error refers to holds neither the password nor the key.
    await assert.rejects(inLibrary({}), (error: RpcError) => {
      assert.equal(error.reason, "refused");
      const shown = Deno.inspect(error, { depth: 20, strAbbreviateSize: 1e6 });
      assert.match(shown, /ACCESS_REFUSED/);
      assert.doesNotMatch(shown, /s3cr3t|PRIVATE KEY/);
      return true;
    });
  },
);

tlsTest("a client certificate logs in by itself: SASL EXTERNAL", async () => {
  await using broker = await startTlsRabbitMq({
    mutual: true,
    plugins: ["rabbitmq_auth_mechanism_ssl"],
    config: [
      "auth_mechanisms.1 = EXTERNAL",
      "ssl_cert_login_from = common_name",
    ].join("\n"),
  });
  const known = await broker.authority.issue({ names: ["DNS:known"] });
  const unknown = await broker.authority.issue({ names: ["DNS:unknown"] });
  const { subject } = new X509Certificate(await Deno.readFile(known.cert));
  const user = subject.replace("CN=", "");
  await broker.rabbitMq.ctl("add_user", user, "not-needed");
  await broker.rabbitMq.ctl("set_permissions", user, ".*", ".*", ".*");
  const inspect = async (files: CertificateFiles, query: string) => {
    const url = `amqps://localhost:${broker.port}${query}`;
    const tls = {
      caCert: await Deno.readFile(broker.authority.cert),
      cert: await Deno.readFile(files.cert),
      key: await Deno.readFile(files.key),
    };
    await using rpc = await connect(url, { tls });
    return await rpc.inspect("no-such-queue");
  };
  const external = "?auth_mechanism=external";
  assert.equal(await inspect(known, external), undefined);
  await assert.rejects(inspect(unknown, external), {
    reason: "refused",
    message: 'login refused for the client certificate on vhost "/" (403)',
  });
  await assert.rejects(inspect(known, ""), {
    reason: "refused",
    message: `localhost:${broker.port} does not offer login by PLAIN; ` +
      "it offers EXTERNAL",
  });
});

tlsTest("Deno's sockets and Node's both speak TLS", async () => {
  await using broker = await startTlsRabbitMq({ mutual: true });
  const files = await broker.authority.issue({ names: ["DNS:client"] });
  const { brokers: [{ tlsSettings }] } = connectSettings("amqps://h", {
    tls: {
      caCert: await Deno.readTextFile(broker.authority.cert),
      cert: await Deno.readTextFile(files.cert),
      key: await Deno.readTextFile(files.key),
    },
  });
  const endpoint = {
    hostname: "localhost",
    port: broker.port,
    tls: tlsSettings,
  };
  const dials = nodeShowsClientCertificates()
    ? [dialDeno, dialNode]
    : [dialDeno];
  for (const dial of dials) {
    const stream = await dial(endpoint, AbortSignal.timeout(20_000));
    await stream.write(new TextEncoder().encode("AMQP\x00\x00\x09\x01"));
    const head = new Uint8Array(7);
    // More comes than there is room for: nothing of it is lost.
    for (let at = 0; at < head.length; at++) {
      const one = head.subarray(at, at + 1);
      assert.equal(await within("a byte", stream.read(one)), 1);
    }
    assert.deepEqual([...head.subarray(0, 3)], [1, 0, 0]);
    const rest = new Uint8Array(new DataView(head.buffer).getUint32(3) + 1);
    for (let at = 0; at < rest.length;) {
      const count = await within("more", stream.read(rest.subarray(at)));
      at += count ?? assert.fail("the stream ended");
    }
    assert.equal(rest.at(-1), 0xce);
    const ended = stream.read(rest).catch((error) => error);
    stream.close();
    stream.close();
    const end = await within("the end", ended);
    assert.ok(end === null || end instanceof Error, String(end));
  }
});
