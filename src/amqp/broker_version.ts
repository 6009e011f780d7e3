/**
 * Which broker it is, by its own greeting.
 *
 * @module
 */

/** What a broker calls itself. */
export interface BrokerVersion {
  /** `RabbitMQ`, say; `the broker` where it does not tell. */
  readonly product: string;
  /** `4.3.6`, say; empty where it does not tell. */
  readonly version: string;
}

/** Of a broker that has not greeted, or says nothing. */
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
