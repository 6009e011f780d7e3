// The environment of the programs that tests start: the same, whoever runs the
// tests and however.

/** What tells programs where things are, here as for the tests themselves. */
const KEPT = [
  "PATH",
  "HOME",
  "TMPDIR",
  // Deno's cache, and what it needs for downloads into an empty one.
  "DENO_DIR",
  "XDG_CACHE_HOME",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "SSL_CERT_FILE",
  "NPM_CONFIG_REGISTRY",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  // Which RabbitMQ is tested.
  "RABBIT_RPC_TEST_RABBITMQ",
];

/** What would depend on a person's taste, or on a file of theirs. */
const FIXED = {
  LC_ALL: "C.UTF-8",
  SHELL: "/bin/sh",
  TERM: "xterm",
  XDG_CONFIG_HOME: "/nonexistent",
};

/** A clean environment; a program gets more only where a test says so. */
export function cleanEnvironment(): Record<string, string> {
  const environment: Record<string, string> = { ...FIXED };
  for (const name of KEPT) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
