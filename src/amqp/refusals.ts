/**
 * What a broker's 403 on a channel means: a missing permission, or a consumer
 * that has the queue to itself.
 *
 * @module
 */
import { failure, type RpcError } from "../rpc/errors.ts";

/** RabbitMQ's text; 3.10 does not name the permission. */
const ACCESS =
  /(?:(configure|read|write) )?access to (\w+) '(.*)' in vhost '(.*)' refused for user '(.*)'/s;
const IN_EXCLUSIVE_USE = /queue '(.*)' in vhost '.*' in exclusive use/s;

/** A 403 that closed a channel, in words. */
export function accessRefusal(message: string, cause: unknown): RpcError {
  const [, queue] = IN_EXCLUSIVE_USE.exec(message) ?? [];
  if (queue !== undefined) {
    return failure(
      "locked",
      `another consumer has queue "${queue}" to itself (403)`,
      { cause },
    );
  }
  const access = ACCESS.exec(message);
  if (access === null) {
    return failure("refused", message, { cause });
  }
  const [, right, kind, name, vhost, user] = access;
  const permission = right === undefined ? "permission" : `${right} permission`;
  return failure(
    "refused",
    `user "${user}" has no ${permission} on ${kind} "${name}" on vhost ` +
      `"${vhost}" (403)`,
    { cause },
  );
}

/**
 * A passive declare that was refused. RabbitMQ 4.2.6 and 4.3.0 want the
 * permission to configure; later versions accept any.
 */
export function untold(queue: string, cause: unknown): RpcError {
  // Long names are cut off, with what comes after them.
  const [, , , , vhost, user] = ACCESS.exec(String(cause)) ?? [];
  const who = user === undefined ? "this user" : `user "${user}"`;
  const where = vhost === undefined ? "" : ` on vhost "${vhost}"`;
  return failure(
    "refused",
    `${who} may not inspect queue ${JSON.stringify(queue)}${where}: that ` +
      "needs the configure permission on it (from RabbitMQ 4.2.7 and 4.3.1 " +
      "on, read or write is enough)",
    { cause },
  );
}
