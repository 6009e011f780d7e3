// Tests that need something which is not installed everywhere.

/** What `testNeeding` takes beside the function. */
export interface NeedingOptions
  extends Omit<Deno.TestDefinition, "name" | "fn"> {
  /**
   * For each thing needed: undefined where it is there, or else a sentence
   * that says why it is not. `rabbitMqMissing()` and `pythonMissing()` give it.
   */
  needs: (string | undefined)[];
}

const announced = new Set<string>();

/**
 * Registers a test that is ignored where something it needs is missing. The
 * reason is printed, once for each test module.
 *
 * With `RABBIT_RPC_TEST_REQUIRE_ALL=1` (set by CI) such a test fails instead.
 */
export function testNeeding(
  name: string,
  options: NeedingOptions,
  fn: Deno.TestDefinition["fn"],
): void {
  const { needs, ...definition } = options;
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

function announce(reason: string, name: string): void {
  if (announced.has(reason)) return;
  announced.add(reason);
  // deno-lint-ignore no-console -- where a test's reader looks
  console.warn(`ignored: "${name}" and others like it, because ${reason}`);
}
