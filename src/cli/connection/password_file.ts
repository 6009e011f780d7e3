/**
 * The password in the file that `--password-file` names, which may be renewed.
 *
 * @module
 */
import type { Password } from "../../amqp/password.ts";
import { isStdin } from "../stdio/paths.ts";
import { readFile, readPassword, readStdin } from "../stdio/read_file.ts";
import { systemReason } from "../stdio/file_errors.ts";

/**
 * A function that reads the file whenever the password is needed. Stdin and
 * pipes, such as `<(pass show mq)`, can be read only once: they are read now.
 *
 * @throws {CliError} 66 if it can't be read.
 */
export async function readPasswordFile(path: string): Promise<Password> {
  if (isStdin(path)) return readPassword(await readStdin());
  const first = readPassword(await readFile(path));
  const { isFile } = await Deno.stat(path);
  if (!isFile) return first;
  return async () => {
    const password = readPassword(
      await Deno.readFile(path).catch((error) => {
        throw new Error(`"${path}": ${systemReason(error)}`, { cause: error });
      }),
    );
    // It was not empty before: someone is writing it at this moment.
    if (password === "" && first !== "") throw new Error(`"${path}" is empty`);
    return password;
  };
}
