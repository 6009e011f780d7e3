/**
 * Checks values against schemas of any library that follows Standard Schema
 * (zod, valibot, arktype, ...).
 *
 * @module
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type RpcCode, RpcError } from "../errors.ts";

/** What is wrong at one place of a value: a member of the error reply. */
export interface ValidationIssue {
  /** Keys and indexes that lead to the place; empty for the value itself. */
  path: (string | number)[];
  /** What the schema says of it. */
  message: string;
}

/** The rest are only counted: a hostile body may have millions. */
const MOST_ISSUES = 20;
const LONGEST_PATH = 20;
const LONGEST_MESSAGE = 200;

/** The message is one sentence; `details` has the rest. */
const MOST_IN_DETAIL = 3;

/**
 * The value as its schema makes it, defaults and conversions included.
 *
 * @throws {RpcError} with this code if it does not fit: the detail begins
 * with `what` and names the first paths that are wrong; `issues` among its
 * details has the first 20 as {@linkcode ValidationIssue}s.
 */
export async function validated<S extends StandardSchemaV1>(
  schema: S,
  value: unknown,
  code: RpcCode,
  what: string,
): Promise<StandardSchemaV1.InferOutput<S>> {
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return result.value;
  const issues = result.issues.slice(0, MOST_ISSUES).map(plainIssue);
  const told = issues.slice(0, MOST_IN_DETAIL).map(describe).join("; ");
  const more = result.issues.length - MOST_IN_DETAIL;
  const detail = `${what}: ${told}${more > 0 ? `; and ${more} more` : ""}`;
  throw new RpcError(code, detail, { details: { issues } });
}

function plainIssue(issue: StandardSchemaV1.Issue): ValidationIssue {
  const path = (issue.path ?? []).slice(0, LONGEST_PATH).map((segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "number" ? key : shortened(String(key));
  });
  return { path, message: shortened(issue.message) };
}

/** `user.tags[0]: wants a string`. */
function describe({ path, message }: ValidationIssue): string {
  let place = "";
  for (const key of path) {
    if (typeof key === "number") place += `[${key}]`;
    else place += place === "" ? key : `.${key}`;
  }
  return place === "" ? message : `${place}: ${message}`;
}

function shortened(text: string): string {
  return text.length > LONGEST_MESSAGE
    ? `${text.slice(0, LONGEST_MESSAGE)}...`
    : text;
}
