import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

export type LiveForm = 'sse' | 'socket';
/** What a measured message begins with; the sender's clock follows. */
export const marker = '"sentAt":';

type Server = { url: string; key: string };

/**
 * One live reader over a raw socket, as cheap as it can be made: it looks for the marker of each message and tells when
 * the message was sent. Resolves when the server has said that what follows is live.
 */
export function liveReader(
  server: Server,
  form: LiveForm,
  path: string,
  arrived: (sentAt: number) => void,
): Promise<Disposable> {
  let rest = '';
  return liveSocket(server, form, path, (data) => {
    const text = rest + data.toString('latin1');
    rest = '';
    for (let at = text.indexOf(marker); at >= 0; ) {
      const end = text.indexOf(',', at);
      if (end < 0) {
        rest = text.slice(at);
        break;
      }
      arrived(Number(text.slice(at + marker.length, end)));
      at = text.indexOf(marker, end);
    }
  });
}

/** One that only counts the markers, over the ends of what comes in too. */
export function countingReader(
  server: Server,
  form: LiveForm,
  path: string,
  counted: (messages: number) => void,
): Promise<Disposable> {
  let rest = Buffer.alloc(0);
  return liveSocket(server, form, path, (data) => {
    const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let messages = 0;
    let behind = 0;
    for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, behind)) {
      messages += 1;
      behind = at + marker.length;
    }
    rest = Buffer.from(bytes.subarray(Math.max(behind, bytes.length - marker.length + 1)));
    counted(messages);
  });
}

function liveSocket(server: Server, form: LiveForm, path: string, take: (data: Buffer) => void): Promise<Disposable> {
  const { hostname, port, host } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  socket.write(form === 'sse' ? sseRequest(host, server.key, path) : socketRequest(host, server.key, path));
  const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
  const isLive = form === 'sse' ? '"upToDate":true' : '"t":"live"';
  let live = false;
  let head = '';
  socket.on('data', (data: Buffer) => {
    if (!live) {
      head += data.toString('latin1');
      if (head.startsWith('HTTP/1.1 4')) reject(new Error(head));
      live = head.includes(isLive);
      if (live) resolve({ [Symbol.dispose]: () => socket.destroy() });
    }
    take(data);
  });
  const gone = (error?: Error): void => reject(error ?? new Error(`the server ended a ${form} reader`));
  socket.on('error', gone);
  socket.on('close', () => gone());
  return promise;
}

const sseRequest = (host: string, key: string, path: string): string =>
  `GET /v1/stream/${path}?offset=now&live=sse HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\n\r\n`;

/** The handshake and, right behind it, one masked text frame (mask 0) that subscribes. */
function socketRequest(host: string, key: string, path: string): Buffer {
  const handshake = `GET /v1/socket HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: muster.v1\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`;
  const text = Buffer.from(JSON.stringify({ t: 'sub', ref: 1, stream: path, after: 'now' }));
  const head = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 255, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from(handshake), head, text]);
}
