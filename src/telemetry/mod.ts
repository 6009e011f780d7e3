/**
 * Tracing and metrics for the library, with OpenTelemetry: spans for calls,
 * their attempts and their requests, connected across programs by W3C Trace
 * Context, and measurements on both sides.
 *
 * @module
 */
export { type Connecting, Telemetry } from "./telemetry.ts";
export type { StreamServer } from "./streams.ts";
