// The calls of a chaos run: what is asked, what is right, how long it takes.

/** Every so many calls the body is larger than a frame. */
const LARGE_EVERY = 97;
const LARGE_BYTES = 40_000;
const SMALL_BYTES = 500;
/** What a procedure waits before it answers, in ms; 0 answers at once. */
const WORK_MS = [0, 0, 1, 3, 10, 40, 150];
/** Requests that the broker keeps on disk. */
const PERSISTENT_EVERY = 5;

/** A number that looks random, and is the same for the same `n`. */
function scrambled(n: number): number {
  return (Math.imul(n, 2_654_435_761) ^ (n >>> 7)) >>> 0;
}

/** The request of call number `n`: no two are alike. */
export function requestBody(n: number): string {
  const length = n % LARGE_EVERY === 0
    ? LARGE_BYTES
    : scrambled(n) % SMALL_BYTES;
  const letter = String.fromCharCode(97 + scrambled(n) % 26);
  return `${n} ${letter.repeat(length)}`;
}

/** The number of the call that sent this request. */
export function callNumber(body: string): number {
  return Number.parseInt(body, 10);
}

/** The one right answer to a request. */
export function answerTo(body: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < body.length; i++) {
    hash = Math.imul(hash ^ body.charCodeAt(i), 0x01000193);
  }
  return `${callNumber(body)} ${body.length} ${(hash >>> 0).toString(16)}`;
}

/** How long the procedure of call `n` works, in ms. */
export function workMs(n: number): number {
  return WORK_MS[n % WORK_MS.length]!;
}

/** Whether call `n` is made without retries, given the share of such calls. */
export function isPlain(n: number, plainShare: number): boolean {
  return scrambled(n) / 2 ** 32 < plainShare;
}

/** Whether the request of call `n` survives the broker's end. */
export function isPersistent(n: number): boolean {
  return n % PERSISTENT_EVERY === 0;
}
