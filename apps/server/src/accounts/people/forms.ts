import { z } from 'zod';
import { invalid, type MusterError, MusterError as MusterErrorClass } from '#kernel/base';
import { type Answer, answer, type Call } from '#kernel/http';
import { peopleLimits } from './limits.ts';
import type { From } from './room.ts';

const csp =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** A page of ours, made for whoever asks, and kept by nobody. */
export const page = (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  answer(status, body, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': csp,
    'cache-control': 'no-store',
    vary: 'cookie',
    ...headers,
  });

export const goTo = (location: string, headers: Readonly<Record<string, string>> = {}): Answer =>
  answer(303, undefined, { location, 'cache-control': 'no-store', ...headers });

/** The fields of a form as a browser sends it without script. `invalid` `wrong_content_type`. */
export async function formOf(call: Pick<Call, 'bytes' | 'contentType'>): Promise<Readonly<Record<string, string>>> {
  if (call.contentType !== 'application/x-www-form-urlencoded')
    throw invalid('wrong_content_type', 'This page takes a form as a browser sends it.', { status: 415 });
  const text = (await call.bytes({ bytesMax: peopleLimits.formBytesMax })).toString('utf8');
  return Object.fromEntries(new URLSearchParams(text));
}

export const fromOf = ({ address, requestId, headers }: Pick<Call, 'address' | 'requestId' | 'headers'>): From => ({
  address,
  requestId,
  userAgent: headers['user-agent'],
});

/** An email as it is kept: small, and one that signing in accepts. */
export const emailShape = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.email('This is not an email address.').max(peopleLimits.emailLengthMax));
export const nameShape = z
  .string()
  .trim()
  .min(1, 'A name is needed.')
  .max(peopleLimits.nameLengthMax)
  .regex(/^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u, 'A name is one line of text.');

const newPerson = z.object({ name: nameShape, email: emailShape, password: z.string().max(4096) });

/** Name, email and password of somebody new. `invalid` `invalid_person` with the first thing that is not right. */
export function newPersonIn(form: Readonly<Record<string, string>>): z.output<typeof newPerson> {
  const result = newPerson.safeParse(form);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid('invalid_person', issue ? issue.message : 'Name, email and password are needed.');
}

/** What a page says of an error; ours only, others go on as they are. */
export function problemIn(error: unknown): MusterError {
  if (error instanceof MusterErrorClass && error.code !== 'internal') return error;
  throw error;
}

export const retryHeaders = ({ retryAfterMs }: MusterError): Record<string, string> =>
  retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };

/** A page whatever comes of it. */
export async function attempt(
  act: () => Promise<Answer>,
  failed: (error: MusterError) => Answer | Promise<Answer>,
): Promise<Answer> {
  try {
    return await act();
  } catch (error) {
    return await failed(problemIn(error));
  }
}

/** What went wrong, with how long to wait. */
export function said(error: MusterError): string {
  if (error.retryAfterMs === undefined || error.retryAfterMs < 60_000) return error.message;
  const minutes = Math.ceil(error.retryAfterMs / 60_000);
  return `${error.message} In ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, to be exact.`;
}

export const one = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
