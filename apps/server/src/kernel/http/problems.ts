import type { ErrorCode, FieldProblem, ProblemDocument } from '@muster/protocol';
import { z } from 'zod';
import { asError, internal, invalid, MusterError, nearest } from '#kernel/base';
import { escapePointer } from './json.ts';
import { edgeLimits } from './limits.ts';

const titles: Record<ErrorCode, string> = {
  invalid: 'The request is not right',
  unauthenticated: 'No valid credential',
  forbidden: 'Not allowed',
  notFound: 'Not found',
  conflict: 'Conflicts with the present state',
  exhausted: 'A limit is reached',
  unavailable: 'Not available right now',
  internal: 'Something went wrong on our side',
};

/** RFC 9457. `internal` says nothing of its cause: that is in the log under the request id. */
export function problemOf(error: MusterError, requestId: string): ProblemDocument {
  return {
    ...error.extra,
    type: `urn:muster:reason:${error.reason}`,
    title: titles[error.code],
    status: error.status,
    detail: error.message,
    code: error.code,
    reason: error.reason,
    requestId,
    ...(error.errors.length > 0 ? { errors: error.errors } : {}),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/** Everything that is not ours becomes `internal`; the cause goes along for the log. */
export function asMusterError(thrown: unknown): MusterError {
  if (thrown instanceof MusterError) return thrown;
  return internal(
    'internal',
    'Something went wrong on our side. The request id leads to the cause in the server log.',
    { cause: asError(thrown) },
  );
}

/** Headers that go with an error whatever form its body has. */
export function errorHeaders(error: MusterError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  if (error.status === 401) headers['www-authenticate'] = 'Bearer realm="muster"';
  return headers;
}

/** Checks `value`; what is wrong comes back as at most 20 pointers, unknown fields with the nearest known one. */
export function check<T extends z.ZodType>(schema: T, value: unknown, where: 'body' | 'query'): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, schema, where));
  const errors = problems.slice(0, edgeLimits.fieldProblemsMax);
  const first = errors[0];
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw invalid(
    where === 'body' ? 'invalid_body' : 'invalid_query',
    `${first ? `${first.pointer || 'the body'}: ${first.detail}` : 'not valid'}${more}.`,
    { errors },
  );
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType, where: 'body' | 'query'): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = namesAt(schema, issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      return {
        pointer: pointer([...issue.path, key], where),
        detail: near ? `unknown field; did you mean ${near}?` : `unknown field${list(known)}`,
      };
    });
  }
  return [{ pointer: pointer(issue.path, where), detail: issue.message }];
}

const list = (known: readonly string[]): string =>
  known.length > 0 && known.length <= 12 ? `; known: ${known.join(', ')}` : '';

function pointer(path: readonly PropertyKey[], where: 'body' | 'query'): string {
  if (where === 'query') return `?${path.map(String).join('.')}`;
  return path.map((step) => `/${escapePointer(String(step))}`).join('');
}

/** The field names a schema knows at `path`, looked up through wrappers, lists, records and unions. */
function namesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => namesAt(option, path));
  const [step, ...rest] = path;
  if (step === undefined) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
  if (inner instanceof z.ZodObject) {
    const shape: Record<string, z.core.$ZodType | undefined> = inner.shape;
    const next = shape[String(step)];
    return next ? namesAt(next, rest) : [];
  }
  if (inner instanceof z.ZodArray) return namesAt(inner.element, rest);
  if (inner instanceof z.ZodRecord) return namesAt(inner.valueType, rest);
  return [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  ) {
    return unwrap(schema.def.innerType);
  }
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in);
  return schema;
}

/** Unknown fields are refused everywhere: a plain object schema at the top is taken as strict. */
export function strictTop<T extends z.ZodType>(schema: T): T;
export function strictTop(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
}
