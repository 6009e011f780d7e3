/**
 * Several procedures behind one queue: the request's `type` names the method.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import type { Procedure } from "../procedure.ts";

/** How many methods are named to a caller who asked for an unknown one. */
const MOST_NAMES = 50;

/**
 * One procedure made of several. A request without a type goes to `untyped`,
 * if there is one; a type without a method is answered `unimplemented`,
 * with what there is.
 */
export function byMethod(
  methods: ReadonlyMap<string, Procedure>,
  untyped?: Procedure,
): Procedure {
  return (request, context) => {
    const procedure = request.type === "" ? untyped : methods.get(request.type);
    if (procedure === undefined) throw unknownMethod(request, methods);
    return procedure(request, context);
  };
}

function unknownMethod(
  { type }: RpcRequest,
  methods: ReadonlyMap<string, Procedure>,
): RpcError {
  const names = [...methods.keys()];
  const listed = names.slice(0, MOST_NAMES).join(", ") +
    (names.length > MOST_NAMES ? ", ..." : "");
  const asked = type === ""
    ? "the request names no method in its type"
    : `unknown method ${JSON.stringify(type)}`;
  return new RpcError("unimplemented", `${asked}; available: ${listed}`);
}

/**
 * A client of a contract is an object, and these names mean something on any
 * object.
 */
const NO_METHODS = new Set([
  "",
  // `await` would take it for a promise, and JSON.stringify would call it.
  "then",
  "toJSON",
  // Deno leaves it out of the prototype, but not out of object literals.
  "__proto__",
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** @throws {TypeError} if no method of a contract can have this name. */
export function checkMethodName(name: string): void {
  if (!NO_METHODS.has(name)) return;
  throw new TypeError(`a method can't have the name "${name}"`);
}
