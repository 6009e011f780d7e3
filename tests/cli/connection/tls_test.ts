// TLS as a user meets it: certificates, good and bad, on both sides.

import assert from "node:assert/strict";
import {
  CertificateAuthority,
  type CertificateFiles,
} from "../../support/certificates.ts";
import { test } from "../../support/needs.ts";
import type { Result } from "../../support/process.ts";
import { run } from "../../support/program.ts";
import { startTlsRabbitMq, tlsTest } from "../../support/tls_rabbitmq.ts";
import { scene, temporaryFile } from "../scene.ts";

const DAY_MS = 86_400_000;
/** Of a certificate that was good once. */
const EXPIRED = {
  notBefore: new Date(Date.now() - 30 * DAY_MS),
  notAfter: new Date(Date.now() - DAY_MS),
};

/** One line on stderr, and a status. */
function failed(result: Result, status: number, message: string): void {
  assert.equal(result.stderr, `rabbit-rpc: ${message}\n`);
  assert.deepEqual([result.code, result.stdout], [status, ""]);
}

const UNTRUSTED = 'the certificate of "localhost" is not trusted ' +
  "(unknown issuer). Pass --cacert FILE.";
const EXPIRED_ADVICE = 'the certificate of "localhost" has expired. ' +
  "Renew it, or correct the clock.";
const OTHER_NAME =
  "Use a name from the certificate: in the URL, or --servername.";

tlsTest("the broker's certificate, good and bad", async () => {
  await using broker = await startTlsRabbitMq();
  await using stranger = await CertificateAuthority.create();
  const url = `amqps://localhost:${broker.port}`;
  const trusting = ["--cacert", broker.authority.cert];
  const here = await scene({ url });
  const call = (...flags: string[]) => here.client(["1", ...flags]);

  await using server = await here.serve(["--builtin", "echo", ...trusting]);
  const good = await call(...trusting);
  assert.deepEqual([good.code, good.stdout, good.stderr], [0, "1", ""]);
  const inUrl = await scene({
    url: `${url}?cacertfile=${broker.authority.cert}`,
  });
  const { code, stderr } = await inUrl.client(["1"]);
  assert.match(stderr, /^rabbit-rpc: no queue [^\n]*\n$/);
  assert.equal(code, 69);
  server.kill("SIGTERM");
  assert.equal((await server.result()).code, 0);

  failed(await call(), 76, UNTRUSTED);
  failed(await call("--cacert", stranger.cert), 76, UNTRUSTED);
  failed(await here.runServer(["--builtin", "echo"]), 76, UNTRUSTED);
  const otherName = [...trusting, "--servername", "other.host"];
  const wrongHost =
    'the certificate of "localhost" is for localhost, not for ' +
    `other.host. ${OTHER_NAME}`;
  failed(await call(...otherName), 76, wrongHost);
  failed(
    await here.runServer(["--builtin", "echo", ...otherName]),
    76,
    wrongHost,
  );
  const insecure = await call("--insecure", "--no-wait");
  assert.match(insecure.stderr, /^rabbit-rpc: --insecure: [^\n]*\n/);
  assert.equal(insecure.stderr.match(/insecure/g)?.length, 1);
  assert.equal(insecure.code, 69);

  const plain = await scene({ url: url.replace("amqps", "amqp") });
  const notUrl = `localhost:${broker.port} speaks TLS, but the URL is amqp://.`;
  failed(await plain.client(["1"]), 76, `${notUrl} Use amqps://.`);

  await broker.show({ names: ["DNS:other.host", "IP:10.0.0.1"] });
  failed(
    await call(...trusting),
    76,
    'the certificate of "localhost" is for other.host or 10.0.0.1, ' +
      `not for localhost. ${OTHER_NAME}`,
  );
  const named = await call(
    ...trusting,
    "--servername",
    "other.host",
    "--no-wait",
  );
  assert.match(named.stderr, /no server is consuming it/);

  await broker.show({ names: ["DNS:localhost"], ...EXPIRED });
  failed(
    await call(...trusting),
    76,
    EXPIRED_ADVICE,
  );
  failed(
    await here.runServer(["--builtin", "echo", ...trusting]),
    76,
    EXPIRED_ADVICE,
  );
});

tlsTest("a broker that wants a client certificate", async () => {
  await using broker = await startTlsRabbitMq({ mutual: true });
  await using stranger = await CertificateAuthority.create();
  const names = ["DNS:client"];
  const known = await broker.authority.issue({ names });
  const unknown = await stranger.issue({ names });
  const old = await broker.authority.issue({ names, ...EXPIRED });
  const trusting = ["--cacert", broker.authority.cert];
  const showing = ({ cert, key }: CertificateFiles) => [
    ...trusting,
    "--cert",
    cert,
    "--key",
    key,
  ];
  const at = `localhost:${broker.port}`;
  const here = await scene({ url: `amqps://${at}` });

  await using _server = await here.serve([
    "--builtin",
    "echo",
    ...showing(known),
  ]);
  const large = "x".repeat(1_000_000);
  const good = await here.client(showing(known), { stdin: large });
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.equal(good.stdout, large);

  const advice = "Pass --cert FILE and --key FILE, from an issuer that the " +
    "broker trusts.";
  const call = (flags: string[]) => here.client(["1", ...flags]);
  failed(
    await call(trusting),
    77,
    `${at} asks for a client certificate. ${advice}`,
  );
  failed(
    await here.runServer(["--builtin", "echo", ...trusting]),
    77,
    `${at} asks for a client certificate. ${advice}`,
  );
  const refused = `${at} refused the client certificate`;
  failed(
    await call(showing(unknown)),
    77,
    `${refused} (its issuer is unknown to the broker). ${advice}`,
  );
  failed(
    await call(showing(old)),
    77,
    `${refused} (it has expired). ${advice}`,
  );
  failed(
    await call(showing({ ...known, key: unknown.key })),
    64,
    "key must be the private key of cert, got another.",
  );
});

test("TLS flags that can't be used, each with its status", async () => {
  await using garbage = await temporaryFile("no certificate");
  const wrong: [string[], number, RegExp][] = [
    [["--cacert", "/nowhere/ca.pem"], 66, /cannot read "\/nowhere\/ca.pem"/],
    [["--cacert", garbage.path], 64, /caCert must be a certificate in PEM/],
    [["--cert", garbage.path], 64, /cert and key must be given together/],
    [["--servername", "127.0.0.1"], 64, /servername must be a name/],
  ];
  for (const [flags, status, message] of wrong) {
    const url = ["-u", "amqps://127.0.0.1:1"];
    const { code, stderr } = await run(["client", "q", "1", ...url, ...flags]);
    assert.match(stderr, message);
    assert.equal(code, status, stderr);
  }
  const plain = ["client", "q", "1", "-u", "amqp://127.0.0.1:1", "--insecure"];
  const { code, stderr } = await run(plain);
  assert.match(stderr, /insecure needs a URL with amqps:\/\/, got amqp/);
  assert.equal(code, 64);
});
