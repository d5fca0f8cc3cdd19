/**
 * The eight error codes. Every failure that leaves a room carries one; kernel/http maps it to problem details
 * (RFC 9457) and the client maps it back, both by `httpStatusOf`.
 */
export const errorCodes = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'notFound',
  'conflict',
  'exhausted',
  'unavailable',
  'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export const httpStatusOf: Record<ErrorCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  exhausted: 429,
  unavailable: 503,
  internal: 500,
};

/** One broken field of a request: `pointer` is a JSON pointer into the body, or `?name` for a query parameter. */
export type FieldProblem = { pointer: string; detail: string };

export type MusterErrorInit = {
  /** Stable snake_case word a program may branch on. */
  reason: string;
  /** One plain sentence for a person. */
  detail: string;
  /** Overrides the code's HTTP status where the protocol has a finer one: 413, 415, 416, 421, 405, 410. */
  status?: number;
  errors?: readonly FieldProblem[];
  /** When to come back; set for `exhausted` and `unavailable`. */
  retryAfterMs?: number;
  /** Further members of the problem document, such as `expectedOffset` or `term`. */
  extra?: Readonly<Record<string, unknown>>;
  cause?: unknown;
};

/** The one error class that carries meaning across rooms and across the wire. */
export class MusterError extends Error {
  override readonly name = 'MusterError';
  readonly code: ErrorCode;
  readonly reason: string;
  readonly status: number;
  readonly errors: readonly FieldProblem[];
  readonly retryAfterMs: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, init: MusterErrorInit) {
    super(init.detail, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.reason = init.reason;
    this.status = init.status ?? httpStatusOf[code];
    this.errors = init.errors ?? [];
    this.retryAfterMs = init.retryAfterMs;
    this.extra = init.extra ?? {};
  }
}

/** The body of every error answer (`application/problem+json`). */
export type ProblemDocument = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  reason: string;
  requestId?: string;
  errors?: readonly FieldProblem[];
  retryAfterMs?: number;
  [member: string]: unknown;
};
