import { type ErrorCode, MusterError } from '@muster/protocol';
import type { ErrorMapper } from '#kernel/http';

/* How the replaced controller says errors: `{"error": "<text>"}`, word for word. */

const codes: Record<number, ErrorCode> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
  413: 'invalid',
  429: 'exhausted',
};

/** An error whose text goes out as it is. */
export const refuse = (status: number, text: string): MusterError =>
  new MusterError(codes[status] ?? 'invalid', { reason: 'legacy', detail: text, status });

export const texts = {
  noKey: 'Missing X-API-Key header (unauthorized)',
  noKeyOrToken: 'Missing X-API-Key or X-Build-Token header (unauthorized)',
  noWorkerId: 'Missing X-Worker-Id header (unauthorized)',
  noBuildId: 'Missing X-Build-Id header',
  noPollCredential: 'Authentication required: provide X-Worker-Token or (X-API-Key + worker_id)',
  wrongKey: 'Invalid API key (forbidden)',
  wrongBuildToken: 'Invalid or expired build token (forbidden)',
  notHolder: 'Worker not authorized for this build',
  otherBuildId: 'X-Build-Id header does not match build ID in URL',
  vmExpired: 'VM token expired',
  vmInvalid: 'Invalid VM token',
  noBuild: 'Build not found',
  noWorker: 'Worker not found',
  cancelled: 'Build cancelled by user',
  notMultipart: 'Content must be multipart/form-data',
} as const;

/** What errors of the room's operations are called on the old paths. The rest keeps its own sentence. */
const known: Record<string, { status: number; text: string }> = {
  no_such_build: { status: 404, text: texts.noBuild },
  no_such_worker: { status: 404, text: texts.noWorker },
  not_holder: { status: 403, text: texts.notHolder },
  other_build: { status: 403, text: texts.notHolder },
  build_cancelled: { status: 409, text: texts.cancelled },
  wrong_content_type: { status: 400, text: texts.notMultipart },
  source_missing: { status: 400, text: 'Source file required' },
  missing_scope: { status: 403, text: texts.wrongKey },
  no_such_path: { status: 404, text: 'Not found' },
  wrong_method: { status: 404, text: 'Not found' },
};

const details: Record<number, string> = { 401: 'Unauthorized', 403: 'Forbidden' };

export const sayLegacy: ErrorMapper = (error) => {
  const { status, text } = known[error.reason] ?? { status: error.status, text: error.message };
  const detail = text === 'Not found' ? 'Not Found' : details[status];
  return { status, body: { error: text, ...(detail === undefined ? {} : { errors: { detail } }) } };
};

/** Whether an operation refused with this reason. */
export const because = (error: unknown, ...reasons: readonly string[]): error is MusterError =>
  error instanceof MusterError && reasons.includes(error.reason);
