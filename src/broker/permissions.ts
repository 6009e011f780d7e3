/** A user's permissions, as the options give them. */
import { encodeText } from "../amqp091/reader.ts";

/**
 * A user's permissions, as `rabbitmqctl set_permissions` takes them: a regular
 * expression each, for the names of queues and exchanges. It may match any
 * part of a name: `^calc$` is one name, `calc` all that contain it, `.*` any
 * name, and an empty expression none. The default exchange is `amq.default`.
 */
export interface Permissions {
  /** To declare and delete. */
  configure: string;
  /** To publish to an exchange, and to bind a queue. */
  write: string;
  /** To consume, get and purge, and to bind to an exchange. */
  read: string;
}

/** The name of a permission. */
export type Right = keyof Permissions;

const RIGHTS: readonly Right[] = ["configure", "write", "read"];

/** Permissions, compiled. They are for names as byte strings. */
export type Patterns = Readonly<Record<Right, RegExp>>;

/**
 * Compiles permissions.
 *
 * @throws {RangeError} naming the permission that is not a valid regular
 *   expression.
 */
export function patternsOf(permissions: Permissions): Patterns {
  const compiled = RIGHTS.map((right) => {
    const pattern = permissions[right];
    try {
      return [right, new RegExp(encodeText(pattern) || "^$")] as const;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RangeError(
        `the ${right} permission "${pattern}" is not a valid regular expression: ${reason}`,
      );
    }
  });
  return Object.fromEntries(compiled) as Record<Right, RegExp>;
}
