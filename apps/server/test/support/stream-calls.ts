import type { TestServer } from './server.ts';

/** What tests ask of one stream over HTTP. `type: null` sends no content type. */
export type Ask = {
  type?: string | null;
  body?: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
  key?: string | null;
  query?: string;
  signal?: AbortSignal;
};
export type Said = { status: number; headers: Headers; text: string; reason: string | undefined };

type Call = (path: string, ask?: Ask) => Promise<Said>;

/** Functions, so that they can be taken out of it. */
export type StreamCalls = {
  readonly call: (method: string, path: string, ask?: Ask) => Promise<Said>;
  readonly put: Call;
  readonly post: Call;
  readonly head: Call;
  readonly remove: Call;
  readonly get: (path: string, query?: string, ask?: Ask) => Promise<Said>;
  /** Every page from an offset to the tail, put together as bytes. */
  readonly everything: (
    path: string,
    from?: string,
  ) => Promise<{ text: string; next: string; closed: boolean; pages: number }>;
};

export function streamCalls(server: Pick<TestServer, 'call'>): StreamCalls {
  async function call(method: string, path: string, ask: Ask = {}): Promise<Said> {
    const { type = 'text/plain', body, headers, key, query = '', signal } = ask;
    const answer = await server.call(`/v1/stream/${path}${query}`, {
      method,
      ...(key === undefined ? {} : { key }),
      ...(signal ? { signal } : {}),
      headers: {
        ...(type === null || method === 'GET' || method === 'HEAD' || method === 'DELETE'
          ? {}
          : { 'content-type': type }),
        ...headers,
      },
      // As bytes: to text the client would add a content type of its own.
      ...(body === undefined ? {} : { body: Buffer.from(body as string) }),
    });
    const text = await answer.text();
    const problem = answer.headers.get('content-type') === 'application/problem+json';
    const reason = problem && text !== '' ? (JSON.parse(text) as { reason: string }).reason : undefined;
    return { status: answer.status, headers: answer.headers, text, reason };
  }
  const get: StreamCalls['get'] = (path, query = '', ask = {}) => call('GET', path, { ...ask, query });
  return {
    call,
    get,
    put: (path, ask) => call('PUT', path, ask),
    post: (path, ask) => call('POST', path, ask),
    head: (path, ask) => call('HEAD', path, ask),
    remove: (path, ask) => call('DELETE', path, ask),
    async everything(path, from = '-1') {
      let text = '';
      let next = from;
      for (let pages = 1; ; pages++) {
        const page = await get(path, `?offset=${next}`);
        if (page.status !== 200) throw new Error(`${path} at ${next} was answered ${page.status}: ${page.text}`);
        text += page.text;
        next = page.headers.get('stream-next-offset') ?? '';
        if (page.headers.get('stream-up-to-date') === 'true')
          return { text, next, closed: page.headers.get('stream-closed') === 'true', pages };
      }
    },
  };
}

/** Producer headers. */
export const by = (id: string, epoch: number, seq: number): Record<string, string> => ({
  'producer-id': id,
  'producer-epoch': String(epoch),
  'producer-seq': String(seq),
});

export type ServerEvent = { event: string; data: string; id: string | undefined };

/** Server-sent events as a browser reads them. Ends with the answer. */
export async function* eventsOf(answer: Response): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const event = parseEvent(text.slice(0, end));
      text = text.slice(end + 2);
      if (event) yield event;
    }
  }
}

function parseEvent(block: string): ServerEvent | undefined {
  const data: string[] = [];
  let event = 'message';
  let id: string | undefined;
  for (const line of block.split(/\r\n|\r|\n/)) {
    if (line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n'), id };
}
