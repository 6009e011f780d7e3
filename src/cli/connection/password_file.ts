/**
 * The password that `--password-file` names, which may be renewed.
 *
 * @module
 */
import type { Password } from "../../amqp/options.ts";
import { readFile, readPassword, readStdin } from "../stdio/read_file.ts";
import { isStdin } from "../stdio/paths.ts";
import { systemReason } from "../stdio/streams.ts";

/**
 * What reads the file whenever the password is needed. What can be read but
 * once (stdin, a pipe such as `<(pass show mq)`) is read now.
 *
 * @throws {CliError} 66 where it can't be read.
 */
export async function passwordOf(path: string): Promise<Password> {
  if (isStdin(path)) {
    return readPassword(await readStdin());
  }
  const first = readPassword(await readFile(path));
  const { isFile } = await Deno.stat(path);
  if (!isFile) return first;
  return async () => {
    const password = readPassword(
      await Deno.readFile(path).catch((error) => {
        throw new Error(`"${path}": ${systemReason(error)}`, { cause: error });
      }),
    );
    // It was good before: somebody is just about to write it.
    if (password === "" && first !== "") throw new Error(`"${path}" is empty`);
    return password;
  };
}
