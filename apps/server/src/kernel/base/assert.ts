/** States what must be true whatever a caller does; a failure is our bug and becomes `internal`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** Unwraps a value that must be there, naming what was missing. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`invariant broken: ${what} is missing`);
  return value;
}

/** The end of an exhaustive switch. */
export function never(value: never): never {
  throw new Error(`invariant broken: unexpected ${JSON.stringify(value)}`);
}
