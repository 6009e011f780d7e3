/** What a user may do, by the names of queues and exchanges. */
import { AmqpError, describe } from "../../amqp091/errors.ts";
import type { Behavior } from "../generation.ts";
import { encodeText } from "../../amqp091/reader.ts";

/**
 * A user's rights, as `rabbitmqctl set_permissions` takes them: a regular
 * expression each, for the names of queues and exchanges. It may match any
 * part of a name: `^calc$` is one name, `calc` all that contain it, `.*` all
 * there are, and an empty one none. The default exchange is `amq.default`.
 */
export interface Permissions {
  /** To declare and delete. */
  configure: string;
  /** To publish to an exchange, and to bind a queue. */
  write: string;
  /** To consume, get and purge, and to bind to an exchange. */
  read: string;
}

/** One of the rights. */
export type Right = keyof Permissions;

const RIGHTS: readonly Right[] = ["configure", "write", "read"];

/** What has to match for each right; names and patterns are byte strings. */
export type Patterns = Readonly<Record<Right, RegExp>>;

/**
 * Compiles permissions.
 *
 * @throws {RangeError} naming the right whose pattern is none.
 */
export function patternsOf(permissions: Permissions): Patterns {
  const compiled = RIGHTS.map((right) => {
    const pattern = permissions[right];
    try {
      return [right, new RegExp(encodeText(pattern) || "^$")] as const;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RangeError(
        `the ${right} permission "${pattern}" is no regular expression: ${reason}`,
      );
    }
  });
  return Object.fromEntries(compiled) as Record<Right, RegExp>;
}

/** Who has logged in: the name, a byte string, and what they may do. */
export interface Login {
  readonly name: string;
  /** Undefined for one who may do everything. */
  readonly patterns: Patterns | undefined;
}

/** What a user may do in a virtual host. */
export class Access {
  readonly user: string;
  readonly #patterns: Patterns | undefined;
  readonly #vhost: { readonly name: string; readonly behavior: Behavior };

  constructor(
    { name, patterns }: Login,
    vhost: { readonly name: string; readonly behavior: Behavior },
  ) {
    this.user = name;
    this.#patterns = patterns;
    this.#vhost = vhost;
  }

  /** @throws {AmqpError} 403 unless the user has this right */
  check(right: Right, kind: "queue" | "exchange", name: string): void {
    if (this.#has(right, kind, name)) return;
    const what = describe(kind, resourceName(kind, name), this.#vhost.name);
    const { namesPermission } = this.#vhost.behavior;
    const named = namesPermission ? `${right} access` : "access";
    throw new AmqpError(
      "ACCESS_REFUSED",
      `${named} to ${what} refused for user '${this.user}'`,
    );
  }

  /** @throws {AmqpError} 403 where a passive declaration needs a right */
  checkPassive(kind: "queue" | "exchange", name: string): void {
    if (!this.#vhost.behavior.passiveNeedsPermission) return;
    const any = this.#has("read", kind, name) || this.#has("write", kind, name);
    if (!any) this.check("configure", kind, name);
  }

  #has(right: Right, kind: "queue" | "exchange", name: string): boolean {
    return this.#patterns?.[right].test(resourceName(kind, name)) ?? true;
  }
}

/** What permissions call the default exchange, which has no name. */
function resourceName(kind: "queue" | "exchange", name: string): string {
  return kind === "exchange" && name === "" ? "amq.default" : name;
}
