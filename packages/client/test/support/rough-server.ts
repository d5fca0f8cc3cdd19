/* A stream server in memory behind `fetch`, on a bad line: by the dice it is not reached, loses its answers, refuses for a
 * moment, cuts bodies anywhere and trims what is old. What it acknowledges it keeps. */

export type RoughStream = {
  contentType: string;
  messages: string[];
  /** Messages before this are no longer kept. */
  first: number;
  closed: boolean;
  producers: Map<string, { epoch: number; seq: number }>;
};

export type Dice = () => number;

/** 0: a good line. 1: every second thing fails in some way. */
export class RoughServer {
  readonly streams = new Map<string, RoughStream>();
  readonly #dice: Dice;
  /** How rough it is. */
  roughness: number;
  pageMax = 3;
  requests = 0;
  /** After so many requests the line is good. */
  patience = 200;
  #moved: (() => void)[] = [];

  constructor(dice: Dice, roughness: number) {
    this.#dice = dice;
    this.roughness = roughness;
  }

  readonly fetch: typeof fetch = async (input, init = {}) => {
    this.requests += 1;
    init.signal?.throwIfAborted();
    await Promise.resolve();
    if (this.#strikes()) return this.#refuse();
    const url = new URL(input instanceof Request ? input.url : input);
    const answer = await this.#answer(url, init);
    // It did what it was asked to, and nobody hears of it.
    if (this.#strikes()) {
      await answer.body?.cancel();
      if (this.#dice() < 0.5) throw new TypeError('fetch failed');
      return new Response('', { status: 503 });
    }
    return answer;
  };

  append(path: string, ...messages: string[]): void {
    this.streams.get(path)?.messages.push(...messages);
    this.#wake();
  }

  close(path: string): void {
    const stream = this.streams.get(path);
    if (stream) stream.closed = true;
    this.#wake();
  }

  make(path: string, contentType = 'application/json'): RoughStream {
    const stream = { contentType, messages: [], first: 0, closed: false, producers: new Map() };
    this.streams.set(path, stream);
    return stream;
  }

  #strikes(): boolean {
    return this.#dice() < (this.requests > this.patience ? 0 : this.roughness / 4);
  }

  #refuse(): Response {
    const status = [429, 503, 504, 502, 0, 0][Math.floor(this.#dice() * 6)] ?? 0;
    if (status === 0) throw new TypeError('fetch failed');
    return new Response('<html>', { status });
  }

  async #answer(url: URL, { method, body, headers, signal }: RequestInit): Promise<Response> {
    const stream = this.streams.get(decodeURIComponent(url.pathname.replace('/v1/stream/', '')));
    if (!stream) return problem(404, 'stream_unknown');
    if (method === 'POST') return this.#post(stream, new Headers(headers), await new Response(body).text());
    const from = offsetOf(url.searchParams.get('offset') ?? '-1', stream);
    const live = url.searchParams.get('live');
    if (from < stream.first) return problem(410, 'offset_trimmed', { earliest: sixteen(stream.first) });
    if (live === 'sse') return this.#events(stream, from, signal ?? undefined);
    if (live === 'long-poll' && from === stream.messages.length && !stream.closed)
      await this.#next(signal ?? undefined);
    const upTo = Math.min(stream.messages.length, from + 1 + Math.floor(this.#dice() * this.pageMax));
    const upToDate = upTo === stream.messages.length;
    const idle = live === 'long-poll' && upTo === from;
    return new Response(idle ? null : this.#rough(bodyOf(stream, from, upTo)), {
      status: idle ? 204 : 200,
      headers: {
        'content-type': stream.contentType,
        'stream-next-offset': sixteen(upTo),
        ...(upToDate ? { 'stream-up-to-date': 'true' } : {}),
        ...(upToDate && stream.closed ? { 'stream-closed': 'true' } : {}),
      },
    });
  }

  #events(stream: RoughStream, start: number, signal?: AbortSignal): Response {
    let from = start;
    let first = true;
    const events = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        if (!first && from === stream.messages.length && !stream.closed) await this.#next(signal);
        first = false;
        if (signal?.aborted) return;
        const upTo = Math.min(stream.messages.length, from + 1 + Math.floor(this.#dice() * this.pageMax));
        const closed = stream.closed && upTo === stream.messages.length;
        const data = upTo > from ? `event: data\ndata:${bodyOf(stream, from, upTo)}\n\n` : '';
        const upToDate = upTo === stream.messages.length;
        const control = JSON.stringify({
          streamNextOffset: sixteen(upTo),
          upToDate,
          ...(closed ? { streamClosed: true } : {}),
        });
        const bytes = new TextEncoder().encode(`${data}event: control\ndata:${control}\nid: ${sixteen(upTo)}\n\n`);
        from = upTo;
        if (this.#strikes()) {
          controller.enqueue(bytes.subarray(0, Math.floor(this.#dice() * bytes.length)));
          // The planned end of a server that goes away, or a cut.
          return this.#dice() < 0.3 ? controller.close() : controller.error(new TypeError('terminated'));
        }
        const middle = Math.floor(this.#dice() * bytes.length);
        for (const part of [bytes.subarray(0, middle), bytes.subarray(middle)])
          if (part.length > 0) controller.enqueue(part);
        if (closed) controller.close();
      },
    });
    return new Response(events, { headers: { 'content-type': 'text/event-stream' } });
  }

  #post(stream: RoughStream, headers: Headers, body: string): Response {
    const producer = headers.get('producer-id');
    const [epoch, seq] = [Number(headers.get('producer-epoch')), Number(headers.get('producer-seq'))];
    if (producer !== null) {
      const last = stream.producers.get(producer);
      if (last && epoch < last.epoch)
        return problem(403, 'producer_fenced', {}, { 'producer-epoch': String(last.epoch) });
      if (last && epoch === last.epoch && seq <= last.seq)
        return new Response(null, { status: 204, headers: { 'producer-seq': String(last.seq) } });
      const expected = last?.epoch === epoch ? last.seq + 1 : 0;
      if (seq !== expected) return problem(409, 'producer_gap', {}, { 'producer-expected-seq': String(expected) });
    }
    if (stream.closed) return problem(409, 'stream_closed');
    if (producer !== null) stream.producers.set(producer, { epoch, seq });
    if (stream.contentType === 'application/json')
      stream.messages.push(...(JSON.parse(body) as unknown[]).map((each) => JSON.stringify(each)));
    else stream.messages.push(body);
    this.#wake();
    return new Response('', { status: 200, headers: { 'producer-seq': String(seq) } });
  }

  #rough(text: string): ReadableStream<Uint8Array> | string {
    if (!this.#strikes()) return text;
    const bytes = new TextEncoder().encode(text);
    const end = Math.floor(this.#dice() * bytes.length);
    let sent = false;
    return new ReadableStream({
      pull: (controller) => {
        if (sent) return controller.error(new TypeError('terminated'));
        sent = true;
        controller.enqueue(bytes.subarray(0, end));
      },
    });
  }

  #wake(): void {
    for (const wake of this.#moved.splice(0)) wake();
  }

  #next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#moved.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

const sixteen = (position: number): string => `0000000000000001_${String(position).padStart(16, '0')}`;

function offsetOf(offset: string, stream: RoughStream): number {
  if (offset === '-1') return 0;
  return offset === 'now' ? stream.messages.length : Number(offset.split('_')[1]);
}

const bodyOf = ({ contentType, messages }: RoughStream, from: number, upTo: number): string =>
  contentType === 'application/json'
    ? `[${messages.slice(from, upTo).join(',')}]`
    : messages.slice(from, upTo).join('');

const problem = (status: number, reason: string, more: object = {}, headers: Record<string, string> = {}): Response =>
  Response.json({ reason, detail: reason, ...more }, { status, headers });

/** Dice that fall the same way again (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
