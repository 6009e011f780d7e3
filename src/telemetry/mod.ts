/**
 * Tracing and metrics for the library, with OpenTelemetry: spans for calls,
 * their attempts and the requests that they cause, joined across programs by
 * W3C Trace Context, and measurements of both sides.
 *
 * @module
 */
export { type Connecting, Telemetry } from "./telemetry.ts";
