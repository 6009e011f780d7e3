// Erlang for `rabbitmqctl eval`: what a test finds and does inside a node.
//
// A connection or a channel may end while it is asked, or may not be open yet;
// then it is passed over.

/** Asks a node; what `SharedRabbitMq` and `RabbitMq` have. */
export interface Evaluating {
  ctl(...args: string[]): Promise<string>;
}

/** A generator of P: the connections whose name starts like this. */
export function connectionsNamed(prefix: string): string {
  return `P <- rabbit_networking:connections(), ` +
    `[{client_properties, Ps}] <- ` +
    `[(catch rabbit_reader:info(P, [client_properties]))], is_list(Ps), ` +
    `{<<"connection_name">>, _, <<"${prefix}", _/binary>>} <- Ps`;
}

/** A generator of C: the channels of which this is so, as `{confirm, true}`. */
export function channelsWith(...facts: string[]): string {
  const keys = facts.map((fact) => fact.match(/\w+/)?.[0]);
  return `C <- rabbit_channel:list_local(), ` +
    `[${facts}] =:= (catch rabbit_channel:info(C, [${keys}]))`;
}

/**
 * Makes the node close the channels C with 404, as if their clients had asked
 * for what is not there; gives how many there were.
 */
export async function closeChannels(
  node: Evaluating,
  generator: string,
): Promise<number> {
  const absent = `{'queue.declare', 0, <<"absent">>, true, false, false, ` +
    `false, false, []}`;
  // What rabbit_channel:do/2 does, which RabbitMQ 4.3 no longer has.
  return await countOf(
    node,
    `gen_server2:cast(C, {method, ${absent}, none, noflow})`,
    generator,
  );
}

/** Evaluates an expression for all that a generator gives, and counts them. */
export async function countOf(
  node: Evaluating,
  expression: string,
  generator: string,
): Promise<number> {
  const count = `length([${expression} || ${generator}]).`;
  return Number(await node.ctl("eval", count));
}

/** Evaluates an integer for all that a generator gives, sorted. */
export async function integersOf(
  node: Evaluating,
  expression: string,
  generator: string,
): Promise<number[]> {
  // ~w, or a list of small numbers would be printed as text.
  const print = `io:format("~w", [[${expression} || ${generator}]]).`;
  const numbers = (await node.ctl("eval", print)).match(/\[(.*)\]/)?.[1] ?? "";
  return numbers.split(",").filter(Boolean).map(Number)
    .sort((one, other) => one - other);
}

/** What a node says that it is: "RabbitMQ 4.3.6, Erlang 29". */
export async function versionOf(node: Evaluating): Promise<string> {
  const print = `io:format("RabbitMQ ~s, Erlang ~s", ` +
    `[rabbit_misc:version(), erlang:system_info(otp_release)]).`;
  return (await node.ctl("eval", print)).split("\n")[0]!.replace(/ok$/, "");
}
