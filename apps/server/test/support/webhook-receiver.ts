/**
 * A real webhook receiver: keeps what it gets and answers as told, also badly. `answer` may be changed at any time.
 *
 * @example
 * await using receiver = await webhookReceiver(() => ({ json: { done: true } }));
 * const wake = await receiver.next();
 */
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Received = {
  at: number;
  body: Record<string, unknown>;
  raw: string;
  headers: NodeJS.Dict<string | string[]>;
};
/** `hang`: no answer ever. `cut`: the connection is reset. `raw`: writes whatever it likes. */
export type Reply =
  | { status?: number; json?: unknown; text?: string; headers?: Record<string, string> }
  | 'hang'
  | 'cut'
  | ((response: ServerResponse) => void);

export type WebhookReceiver = AsyncDisposable & {
  url: string;
  received: Received[];
  answer: (got: Received) => Reply;
  /** Callers that went before they were answered. */
  gone(): number;
  /** The next call that was not taken yet. */
  next(): Promise<Received>;
};

export async function webhookReceiver(
  answer: (got: Received) => Reply = () => ({ json: {} }),
  tls?: ServerOptions,
): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const waiting: ((got: Received) => void)[] = [];
  const untaken: Received[] = [];
  let gone = 0;
  const listener: Parameters<typeof createServer>[1] = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const raw = Buffer.concat(parts).toString('utf8');
      const got = {
        at: performance.now(),
        raw,
        body: JSON.parse(raw) as Record<string, unknown>,
        headers: request.headers,
      };
      received.push(got);
      const taker = waiting.shift();
      if (taker) taker(got);
      else untaken.push(got);
      response.on('close', () => {
        if (!response.writableFinished) gone += 1;
      });
      reply(response, receiver.answer(got));
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/hook`,
    received,
    answer,
    gone: () => gone,
    next: () => {
      const got = untaken.shift();
      return got ? Promise.resolve(got) : new Promise((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

function reply(response: ServerResponse, how: Reply): void {
  if (how === 'hang') return;
  if (how === 'cut') return void response.destroy();
  if (typeof how === 'function') return how(response);
  const text = how.text ?? JSON.stringify(how.json ?? {});
  response.writeHead(how.status ?? 200, {
    'content-type': how.text === undefined ? 'application/json' : 'text/html',
    ...how.headers,
  });
  response.end(text);
}
