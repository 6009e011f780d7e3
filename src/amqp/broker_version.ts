/**
 * Product and version of a broker, as its greeting says.
 *
 * @module
 */

/** What a broker calls itself. */
export interface BrokerVersion {
  /** `RabbitMQ` for example; `the broker` if the greeting does not say. */
  readonly product: string;
  /** `4.3.6` for example; empty if the greeting does not say. */
  readonly version: string;
}

/** For a broker that has not sent a greeting, or does not say. */
export const UNKNOWN_BROKER: BrokerVersion = {
  product: "the broker",
  version: "",
};

/** The product and its version. */
export function brokerTitle({ product, version }: BrokerVersion): string {
  return version === "" ? product : `${product} ${version}`;
}

/** Whether it is RabbitMQ of this version, or a newer one. */
export function isRabbitMqSince(
  { product, version }: BrokerVersion,
  major: number,
  minor: number,
): boolean {
  if (product !== "RabbitMQ") return false;
  const [itsMajor = 0, itsMinor = 0] = version.split(".").map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}
