/**
 * The users of `rabbit-rpc broker`: `--user` and `--password-file`.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import type { BrokerUser } from "../../broker/broker.ts";
import { patternsOf } from "../../broker/permissions.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { counted } from "../../rpc/texts.ts";
import { readFile, readPassword } from "../stdio/read_file.ts";

/** A value of `--user`. */
export type UserFlag = Pick<BrokerUser, "permissions"> & { name: string };

/** A user with a password. */
export type User = UserFlag & BrokerUser;

const GUEST: User = { name: "guest", password: "guest" };

/** Parses `NAME` or `NAME:CONFIGURE:WRITE:READ`; a repeated flag adds users. */
export function parseUser(text: string, before: UserFlag[] = []): UserFlag[] {
  const [name, ...patterns] = splitAtColons(text);
  if (!name || ![0, 3].includes(patterns.length)) {
    throw new InvalidArgumentError(
      "It must be NAME, or NAME:CONFIGURE:WRITE:READ with three regular " +
        "expressions; colons in them must be in parentheses or brackets.",
    );
  }
  if (before.some((other) => other.name === name)) {
    throw new InvalidArgumentError(`User "${name}" is given twice.`);
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
    throw new InvalidArgumentError(`For this user, ${error.message}.`);
  }
  return { permissions };
}

/** Splits at colons that are not escaped, nor within ( ) or [ ]. */
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

/** The users with their passwords; only guest if there are no flags. */
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
      `${passwordFile} must have ${counted(users.length, "line")}, one ` +
        `password for each user; it has ${passwords.length}.`,
    );
  }
  const [first, ...others] = users.map((user, i) => ({
    ...user,
    password: passwords[i]!,
  }));
  return [first!, ...others];
}
