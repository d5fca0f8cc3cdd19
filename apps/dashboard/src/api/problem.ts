import { type ErrorCode, type FieldProblem, MusterError } from '@muster/protocol/errors';
import { apiWords } from '../words/api.ts';
import { serverPage } from './place.ts';

/** An error as a person is shown it. */
export type Problem = {
  title: string;
  detail: string;
  code?: ErrorCode;
  reason?: string;
  requestId?: string;
  status?: number;
  retryAfterMs?: number;
  docsUrl?: string;
  errors?: FieldProblem[];
};

/** What any thrown thing says to a person; `undefined` for none. */
export function problemOf(error: unknown): Problem | undefined {
  if (error === null || error === undefined) return undefined;
  if (!(error instanceof MusterError)) {
    const detail = error instanceof Error ? error.message : JSON.stringify(error);
    return { title: apiWords.ownFault, detail };
  }
  const { code, reason, status, message, errors, retryAfterMs, extra } = error;
  const requestId = extra['requestId'];
  return {
    title: reason === 'no_connection' ? apiWords.noConnection : apiWords.titles[code],
    detail: message,
    code,
    reason,
    status,
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(reason === 'no_connection' ? {} : { docsUrl: serverPage(`/docs/operate/troubleshooting#${reason}`) }),
    ...(errors.length > 0 ? { errors: [...errors] } : {}),
  };
}
