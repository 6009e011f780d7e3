/** Checks what a user may do in a virtual host. */
import { AmqpError, describe } from "../../amqp091/errors.ts";
import type { Login } from "./authentication.ts";
import type { Behavior } from "../generation.ts";
import type { Patterns, PermissionName } from "../permissions.ts";

type Resource = "queue" | "exchange";

/** A user's permissions in a virtual host. */
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

  /** @throws {AmqpError} 403 unless the user has this permission. */
  check(permission: PermissionName, kind: Resource, name: string): void {
    if (this.#has(permission, kind, name)) return;
    const what = describe(kind, resourceName(kind, name), this.#vhost.name);
    const { namesPermission } = this.#vhost.behavior;
    const named = namesPermission ? `${permission} access` : "access";
    throw new AmqpError(
      "ACCESS_REFUSED",
      `${named} to ${what} refused for user '${this.user}'`,
    );
  }

  /** @throws {AmqpError} 403 if a passive declaration lacks a permission. */
  checkPassive(kind: Resource, name: string): void {
    if (!this.#vhost.behavior.passiveNeedsPermission) return;
    const any = this.#has("read", kind, name) || this.#has("write", kind, name);
    if (!any) this.check("configure", kind, name);
  }

  #has(permission: PermissionName, kind: Resource, name: string): boolean {
    return this.#patterns?.[permission].test(resourceName(kind, name)) ?? true;
  }
}

/** What permissions call the default exchange, whose name is empty. */
function resourceName(kind: Resource, name: string): string {
  return kind === "exchange" && name === "" ? "amq.default" : name;
}
