// Tests that need something which is not installed everywhere.

/** What `testNeeding` takes beside the function. */
export interface NeedingOptions
  extends Omit<Deno.TestDefinition, "name" | "fn"> {
  /**
   * For each thing needed: undefined where it is there, or else a sentence
   * that says why it is not. `rabbitMqMissing()` and `pythonMissing()` give it.
   */
  needs: (string | undefined)[];
  /**
   * Left to `deno task test:all`, which sets `RABBIT_RPC_TEST_SLOW=1`: for
   * tests that take more than some seconds by their nature.
   *
   * @default false
   */
  slow?: boolean;
}

const announced = new Set<string>();

/**
 * Registers a test that is ignored where something it needs is missing, or
 * where it is slow and slow ones were not asked for. The reason is printed, once
 * for each test module.
 *
 * With `RABBIT_RPC_TEST_REQUIRE_ALL=1` (set by CI) a test that misses something
 * fails instead.
 */
export function testNeeding(
  name: string,
  options: NeedingOptions,
  fn: Deno.TestDefinition["fn"],
): void {
  const { needs, slow = false, ...definition } = options;
  const permissions = permissionsMissing();
  if (permissions !== undefined) {
    announce(permissions, name);
    return Deno.test({ ...definition, name, fn, ignore: true });
  }
  if (slow && Deno.env.get("RABBIT_RPC_TEST_SLOW") !== "1") {
    announce('it is slow; "deno task test:all" runs it', name);
    return Deno.test({ ...definition, name, fn, ignore: true });
  }
  const reason = needs.find((need) => need !== undefined);
  if (reason === undefined || definition.ignore) {
    Deno.test({ ...definition, name, fn });
  } else if (Deno.env.get("RABBIT_RPC_TEST_REQUIRE_ALL") === "1") {
    const fail = () => {
      throw new Error(`${reason} (RABBIT_RPC_TEST_REQUIRE_ALL is set.)`);
    };
    Deno.test({ ...definition, name, fn: fail });
  } else {
    announce(reason, name);
    Deno.test({ ...definition, name, fn, ignore: true });
  }
}

/** A slow test, see `NeedingOptions`, that needs nothing else. */
export function slowTest(name: string, fn: Deno.TestDefinition["fn"]): void {
  testNeeding(name, { needs: [], slow: true }, fn);
}

/** A test that reaches beyond this process, and needs nothing else. */
export function test(name: string, fn: Deno.TestDefinition["fn"]): void {
  testNeeding(name, { needs: [] }, fn);
}

/** What most tests that reach beyond this process need. */
const PERMISSIONS: Deno.PermissionDescriptor[] = [
  { name: "net", host: "127.0.0.1" },
  { name: "read" },
  { name: "write" },
  { name: "env" },
  { name: "run" },
];

/**
 * Why tests that reach beyond this process can't run: a bare `deno test` has
 * no permissions, and gets none from deno.json.
 */
export function permissionsMissing(): string | undefined {
  const missing = PERMISSIONS.filter((permission) =>
    Deno.permissions.querySync(permission).state !== "granted"
  );
  if (missing.length === 0) return undefined;
  const names = missing.map(({ name }) => name).join(", ");
  return `they need permissions (${names}): run "deno task test"`;
}

function announce(reason: string, name: string): void {
  if (announced.has(reason)) return;
  announced.add(reason);
  // deno-lint-ignore no-console -- where a test's reader looks
  console.warn(`ignored: "${name}" and others like it, because ${reason}`);
}
