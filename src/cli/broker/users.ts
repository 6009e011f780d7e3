/**
 * Who may log in to `rabbit-rpc broker`: `--user` and `--password-file`.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import type { BrokerUser } from "../../broker/broker.ts";
import { patternsOf } from "../../broker/connection/permissions.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { readFile, readPassword } from "../stdio/read_file.ts";

/** What `--user` says. */
export type UserFlag = Pick<BrokerUser, "permissions"> & { name: string };

/** A user with the password. */
export type User = UserFlag & BrokerUser;

const GUEST: User = { name: "guest", password: "guest" };

/** `NAME` or `NAME:CONFIGURE:WRITE:READ`; more of them add to those before. */
export function parseUser(text: string, before: UserFlag[] = []): UserFlag[] {
  const [name, ...patterns] = splitAtColons(text);
  if (!name || ![0, 3].includes(patterns.length)) {
    throw new InvalidArgumentError(
      "It must be NAME, or NAME:CONFIGURE:WRITE:READ with three regular " +
        "expressions; colons within one go in parentheses or brackets.",
    );
  }
  if (before.some((other) => other.name === name)) {
    throw new InvalidArgumentError(`There is a user "${name}" already.`);
  }
  return [...before, { name, ...permissionsOf(patterns) }];
}

function permissionsOf(patterns: string[]): Pick<UserFlag, "permissions"> {
  if (patterns.length === 0) return {};
  const [configure, write, read] = patterns as [string, string, string];
  const permissions = { configure, write, read };
  try {
    patternsOf(permissions);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidArgumentError(`Of this user, ${error.message}.`);
  }
  return { permissions };
}

/** The parts between colons that are not escaped, nor within ( ) or [ ]. */
function splitAtColons(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [token] of text.matchAll(/\\?[\s\S]/g)) {
    if (token === ":" && depth <= 0) {
      parts.push("");
      continue;
    }
    if (token === "(" || token === "[") depth++;
    if (token === ")" || token === "]") depth--;
    parts[parts.length - 1] += token;
  }
  return parts;
}

/** The users with their passwords; guest alone where none are named. */
export async function readUsers(
  users: UserFlag[] | undefined,
  passwordFile: string | undefined,
): Promise<[User, ...User[]]> {
  if (users === undefined && passwordFile === undefined) return [GUEST];
  if (users === undefined || passwordFile === undefined) {
    throw new CliError(EXIT.usage, "--user and --password-file go together.");
  }
  const text = readPassword(await readFile(passwordFile));
  const passwords = users.length === 1 ? [text] : text.split(/\r?\n/);
  if (passwords.length !== users.length) {
    throw new CliError(
      EXIT.badInput,
      `${passwordFile} must have a password for each of the ${users.length} ` +
        `users, a line each and in their order; it has ${passwords.length}.`,
    );
  }
  const [first, ...others] = users.map((user, i) => ({
    ...user,
    password: passwords[i]!,
  }));
  return [first!, ...others];
}
