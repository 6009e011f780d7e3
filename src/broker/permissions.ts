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
export type PermissionName = keyof Permissions;

const NAMES: readonly PermissionName[] = ["configure", "write", "read"];

/** Permissions, compiled. They are for names as byte strings. */
export type Patterns = Readonly<Record<PermissionName, RegExp>>;

/**
 * Compiles permissions.
 *
 * @throws {RangeError} naming the permission that is not a valid regular
 *   expression.
 */
export function patternsOf(permissions: Permissions): Patterns {
  const compiled = NAMES.map((name) => {
    const pattern = permissions[name];
    try {
      return [name, new RegExp(encodeText(pattern) || "^$")] as const;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RangeError(
        `the ${name} permission "${pattern}" is not a valid regular expression: ${reason}`,
      );
    }
  });
  return Object.fromEntries(compiled) as Record<PermissionName, RegExp>;
}
