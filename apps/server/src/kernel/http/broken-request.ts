import type { Duplex } from 'node:stream';

const said: Readonly<Record<string, { status: string; reason: string; detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    reason: 'headers_too_large',
    detail: 'The request headers are larger than this server takes.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    reason: 'headers_stalled',
    detail: 'The request headers did not come in time.',
  },
};
const other = { status: '400 Bad Request', reason: 'bad_http', detail: 'This is not an HTTP request.' };

/** The last word on a connection whose bytes could not be read as HTTP: there is no request to answer, only a socket. */
export function refuseBroken(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, reason, detail } = said[error.code ?? ''] ?? other;
  const body = JSON.stringify({
    type: `urn:muster:reason:${reason}`,
    title: 'The request is not right',
    status: Number.parseInt(status, 10),
    detail,
    code: 'invalid',
    reason,
  });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
