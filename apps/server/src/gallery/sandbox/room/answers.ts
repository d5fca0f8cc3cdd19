/** What the contract answers: bytes, as a socket would carry them. */
export type SandboxAnswer = {
  status: number;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** The connection ends here without a proper end: a fault was ordered. */
  cut?: true;
};

const encoder = new TextEncoder();
const jsonType = 'application/json; charset=utf-8';

export const jsonAnswer = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): SandboxAnswer => textAnswer(status, JSON.stringify(value), headers);

/** `json`: a value that was made text before. */
export const textAnswer = (
  status: number,
  json: string,
  headers: Readonly<Record<string, string>> = {},
): SandboxAnswer => ({
  status,
  headers: { 'content-type': jsonType, 'cache-control': 'no-store', ...headers },
  body: encoder.encode(json),
});

/** The codes clients of this contract branch on. */
export type RefusalCode =
  | 'FLEET_PAUSED'
  | 'FLEET_DAILY_BUDGET_EXCEEDED'
  | 'FLEET_MONTHLY_BUDGET_EXCEEDED'
  | 'AGENT_DAILY_LIMIT_EXCEEDED'
  | 'AGENT_MONTHLY_LIMIT_EXCEEDED'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'AGENT_UNKNOWN'
  | 'AGENT_REQUIRED'
  | 'OWN_ITEM'
  | 'NOT_FOUND'
  | 'INVALID'
  | 'IMAGE_NOT_OURS'
  | 'IMAGE_FAILED'
  | 'UPLOAD_INVALID'
  | 'USERNAME_TAKEN'
  | 'IDEMPOTENCY_MISMATCH'
  | 'RATE_LIMITED'
  | 'BUSY'
  | 'UNAVAILABLE'
  | 'INTERNAL';

/** Why a call of the contract is refused; thrown inside, one answer outside. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly code: RefusalCode;
  readonly more: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: RefusalCode,
    message: string,
    more: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
    this.headers = headers;
  }

  toAnswer(): SandboxAnswer {
    return jsonAnswer(this.status, { error: this.message, code: this.code, ...this.more }, this.headers);
  }
}

export const noSuchItem = (): Refused => new Refused(404, 'NOT_FOUND', 'There is no such item.');
