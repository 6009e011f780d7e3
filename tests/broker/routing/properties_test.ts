// Properties, checked and edited without decoding them all.

import { deepEqual, equal, throws } from "node:assert/strict";
import { arrayField } from "../../../src/amqp091/table.ts";
import {
  edit,
  headersOf,
  inspect,
} from "../../../src/broker/routing/properties.ts";
import { args, encodeProperties } from "../support/properties.ts";

Deno.test("editing properties leaves the rest of them as it was", () => {
  const properties = {
    headers: args({ a: 1 }),
    priority: 3,
    correlationId: "c",
    replyTo: "r",
    expiration: "10",
    userId: "u",
  };
  const { expiration: _, ...rest } = properties;
  deepEqual(
    edit(encodeProperties(properties), {
      dropExpiration: true,
      replyTo: "a longer one",
      headers: args({ b: 2 }),
    }),
    encodeProperties({
      ...rest,
      replyTo: "a longer one",
      headers: args({ b: 2 }),
    }),
  );
  deepEqual(
    headersOf(
      edit(encodeProperties({ priority: 1 }), { headers: args({ b: 2 }) }),
    ),
    args({ b: 2 }),
  );
});

Deno.test("properties are inspected as far as the broker needs", () => {
  const found = inspect(encodeProperties({
    headers: [["CC", arrayField([])]],
    priority: 3,
    replyTo: "r",
    expiration: "10",
    userId: "u",
  }));
  deepEqual(found, {
    priority: 3,
    replyTo: "r",
    expiration: "10",
    userId: "u",
    hasCopies: true,
    unordered: false,
  });
  equal(
    inspect(encodeProperties({ headers: args({ ACC: 1 }) })).hasCopies,
    false,
  );
  throws(() => inspect(Uint8Array.of(0x80, 0)), /SYNTAX_ERROR/);
  throws(() => inspect(Uint8Array.of(0, 1)), /SYNTAX_ERROR/);
  throws(() => inspect(Uint8Array.of(0, 0, 0)), /SYNTAX_ERROR/);
});
