// Certificates for tests, good and bad ones, made with openssl(1).

import { cleanEnvironment } from "./environment.ts";
import { permissionsMissing } from "./needs.ts";

/** A certificate and its key, as PEM files. */
export interface CertificateFiles {
  cert: string;
  key: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** For the subjectAltName: `DNS:localhost`, `IP:127.0.0.1`. */
  names: string[];
  /** @default an hour ago */
  notBefore?: Date;
  /** @default in an hour */
  notAfter?: Date;
}

const HOUR_MS = 3_600_000;

/** openssl wants one, even where all is said on its command line. */
const CONFIG = `[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** Why certificates can't be made here; undefined where they can. */
export function opensslMissing(): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined) return permissions;
  try {
    new Deno.Command("openssl", { args: ["version"] }).outputSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no openssl. On Debian: apt-get install openssl.";
  }
}

/** An authority with a directory of its own, which `dispose` removes. */
export class CertificateAuthority implements AsyncDisposable {
  readonly #dir: string;
  #issued = 0;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** A new one, which nobody trusts yet. */
  static async create(): Promise<CertificateAuthority> {
    const dir = await Deno.makeTempDir({ prefix: "rabbit-rpc-test-ca-" });
    await Deno.writeTextFile(`${dir}/ca.cnf`, CONFIG);
    await Deno.writeTextFile(`${dir}/index.txt`, "");
    const authority = new CertificateAuthority(dir);
    const files = ["-keyout", "ca.key", "-out", "ca.pem"];
    await authority.#openssl(
      "req",
      "-x509",
      ...newKey(crypto.randomUUID()),
      ...files,
    );
    return authority;
  }

  /** Its own certificate, a PEM file. */
  get cert(): string {
    return `${this.#dir}/ca.pem`;
  }

  /** Makes a certificate. */
  async issue(options: CertificateOptions): Promise<CertificateFiles> {
    const { notBefore = fromNow(-1), notAfter = fromNow(1), names } = options;
    const name = `issued-${++this.#issued}`;
    const [key, request] = [`${name}.key`, `${name}.csr`];
    const extensions = `subjectAltName = ${names.join(",")}\n`;
    await Deno.writeTextFile(`${this.#dir}/${name}.ext`, extensions);
    const files = ["-keyout", key, "-out", request];
    await this.#openssl("req", ...newKey(name), ...files);
    const dates = ["-startdate", asn1(notBefore), "-enddate", asn1(notAfter)];
    const signing = ["-config", "ca.cnf", "-cert", "ca.pem"];
    await this.#openssl(
      ...["ca", "-batch", "-notext", "-keyfile", "ca.key", ...signing],
      ...["-in", request, "-out", `${name}.pem`, ...dates],
      ...["-extfile", `${name}.ext`],
    );
    return { cert: `${this.#dir}/${name}.pem`, key: `${this.#dir}/${key}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#dir, { recursive: true });
  }

  async #openssl(...args: string[]): Promise<void> {
    const command = new Deno.Command("openssl", {
      args,
      cwd: this.#dir,
      env: cleanEnvironment(),
      clearEnv: true,
    });
    const { success, stderr } = await command.output();
    if (success) return;
    const output = new TextDecoder().decode(stderr);
    throw new Error(`openssl ${args.join(" ")} failed:\n${output}`);
  }
}

function newKey(name: string): string[] {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  return ["-new", ...curve, "-nodes", "-subj", `/CN=${name}`];
}

function fromNow(hours: number): Date {
  return new Date(Date.now() + hours * HOUR_MS);
}

/** YYYYMMDDHHMMSSZ */
function asn1(date: Date): string {
  return date.toISOString().replace(/\.\d+|[-:T]/g, "");
}
