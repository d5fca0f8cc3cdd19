import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { Signal } from '#kernel/base';

export type Dialect = 'openai' | 'anthropic' | 'google' | 'compatible';

/** A request as a model provider sees it. */
export type ModelRequest = {
  dialect: Dialect;
  kind: 'text' | 'image';
  model: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
  /** What is fixed, then what changes. */
  system: string;
  user: string;
  /** Of everything that is sent: texts, and the schema of the answer. */
  tokensIn: number;
};

/** What the fake does with a request; `{ text }` alone is a whole, well-formed answer. */
export type ModelReply = {
  text?: string;
  status?: number;
  headers?: Record<string, string>;
  /** The whole body, as it is: HTML, half of something. */
  raw?: string;
  usage?: 'missing' | { in: number; out: number };
  /** Tokens the model thought with before it wrote; told as reasoning where the dialect can. */
  reasoning?: number;
  /** Never answers: the socket stays open. */
  hang?: true;
  /** Cuts the connection after reading the request. */
  cut?: true;
  after?: Promise<void>;
};
type Answerer = (request: ModelRequest, n: number) => ModelReply;

/** One white pixel. */
const pngBase64 = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEANl9ngAAAAABJRU5ErkJggg==';

export const tokensOf = (text: string): number => encode(text).length;

/**
 * Model providers on a loopback port: the four dialects as far as `generateText` and `generateImage` use them, with
 * tokens truly counted. What it answers is the test's to say, request by request.
 *
 * @example
 * await using models = await FakeModels.start();
 * models.answer = (request, n) => (n === 0 ? { status: 503 } : { text: decisionText() });
 */
export class FakeModels implements AsyncDisposable {
  readonly #server: Server;
  readonly requests: ModelRequest[] = [];
  /** What was answered, as the provider bills it. */
  readonly answered: { tokensIn: number; tokensOut: number }[] = [];
  readonly arrived = new Signal<ModelRequest>();
  answer: Answerer;
  /** Requests under way now, and at most ever. */
  open = 0;
  peak = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.answer = () => ({ text: decisionText() });
  }

  static async start(): Promise<FakeModels> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fake = new FakeModels(server);
    server.on('request', (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- our own client sends objects
        void fake.#take(read(incoming.url ?? '', incoming.headers, body), outgoing);
      });
    });
    return fake;
  }

  /** What a mind's `baseUrl` is. */
  baseUrl(dialect: Dialect): string {
    const { port } = this.#server.address() as AddressInfo; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a TCP server's address is never text
    return `http://127.0.0.1:${port}/${dialect}/${dialect === 'google' ? 'v1beta' : 'v1'}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #take(request: ModelRequest, outgoing: ServerResponse): Promise<void> {
    const n = this.requests.push(request) - 1;
    this.open += 1;
    this.peak = Math.max(this.peak, this.open);
    outgoing.once('close', () => (this.open -= 1));
    const reply = this.answer(request, n);
    this.arrived.fire(request);
    await reply.after;
    if (reply.hang) return;
    if (reply.cut) {
      outgoing.socket?.destroy();
      return;
    }
    const status = reply.status ?? 200;
    if (status === 200)
      this.answered.push({
        tokensIn: request.tokensIn,
        tokensOut: tokensOf(reply.text ?? '') + (reply.reasoning ?? 0),
      });
    const type = reply.raw?.startsWith('<') ? 'text/html' : 'application/json';
    outgoing.writeHead(status, { 'content-type': type, ...reply.headers });
    outgoing.end(reply.raw ?? JSON.stringify(status === 200 ? bodyOf(request, reply) : errorOf(request, status)));
  }
}

/** A whole decision as a model writes it; `on` counts from 1. */
export const decisionText = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    do: 'comment',
    on: 1,
    why: 'the red buoy leans',
    text: 'The left buoy leans as if it heard something.',
    prompt: '',
    caption: '',
    alt: '',
    tags: [],
    ...more,
  });

function read(url: string, headers: IncomingHttpHeaders, body: Record<string, unknown>): ModelRequest {
  const [, first = ''] = url.split('/');
  const dialect = (['openai', 'anthropic', 'google', 'compatible'] as const).find((each) => each === first);
  if (!dialect) throw new Error(`nobody speaks at ${url}`);
  const kind = /\/images\/|:predict/.test(url) ? 'image' : 'text';
  const { system, user, schema } = kind === 'image' ? imageText(body) : textsOf(dialect, body);
  const model = dialect === 'google' ? (/models\/([^:]+):/.exec(url)?.[1] ?? '') : String(body['model']);
  return { dialect, kind, model, headers, body, system, user, tokensIn: tokensOf(`${system}\n${user}\n${schema}`) };
}

type Texts = { system: string; user: string; schema: string };
const imageText = (body: Record<string, unknown>): Texts => ({ system: '', user: JSON.stringify(body), schema: '' });

/** Every dialect keeps its texts elsewhere; what counts is all there is. */
function textsOf(dialect: Dialect, body: Record<string, unknown>): Texts {
  const schemaAt = (...path: string[]): string => JSON.stringify(at(body, ...path)) ?? '';
  switch (dialect) {
    case 'openai':
      return { ...roles(body['input']), schema: schemaAt('text', 'format', 'schema') };
    case 'anthropic': {
      const schema = schemaAt('output_config', 'format', 'schema') || schemaAt('output_format') || schemaAt('tools');
      return { system: texts(body['system']).join('\n'), user: roles(body['messages']).user, schema };
    }
    case 'google':
      return {
        system: texts(body['systemInstruction']).join('\n'),
        user: texts(body['contents']).join('\n'),
        schema: schemaAt('generationConfig', 'responseSchema') || schemaAt('generationConfig', 'responseJsonSchema'),
      };
    case 'compatible':
    default:
      return { ...roles(body['messages']), schema: schemaAt('response_format', 'json_schema', 'schema') };
  }
}

function roles(messages: unknown): { system: string; user: string } {
  const all = Array.isArray(messages) ? (messages as { role: string; content: unknown }[]) : []; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the dialect has it so
  const of = (fixed: boolean): string =>
    all
      .filter(({ role }) => /system|developer/.test(role) === fixed)
      .flatMap(({ content }) => texts(content))
      .join('\n');
  return { system: of(true), user: of(false) };
}

/** Every `text`, and every plain string, in whatever is around it. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => (/^(text|parts|content)$/.test(key) ? texts(each) : []));
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (Reflect.get(inner, key) as unknown) : undefined),
    value,
  );
}

function bodyOf(request: ModelRequest, reply: ModelReply): unknown {
  if (request.kind === 'image') return { created: 1, data: [{ b64_json: pngBase64 }] };
  const text = reply.text ?? '';
  const reasoning = reply.reasoning ?? 0;
  const count =
    reply.usage === 'missing' ? undefined : (reply.usage ?? { in: request.tokensIn, out: tokensOf(text) + reasoning });
  switch (request.dialect) {
    case 'openai':
      return {
        id: 'resp_1',
        object: 'response',
        created_at: 1_700_000_000,
        model: request.model,
        status: 'completed',
        error: null,
        incomplete_details: null,
        output: [
          ...(reasoning > 0 ? [{ type: 'reasoning', id: 'rs_1', summary: [] }] : []),
          {
            type: 'message',
            id: 'msg_1',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text, annotations: [] }],
          },
        ],
        ...(count && {
          usage: {
            input_tokens: count.in,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: count.out,
            output_tokens_details: { reasoning_tokens: reasoning },
            total_tokens: count.in + count.out,
          },
        }),
      };
    case 'anthropic':
      return {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: request.model,
        content: anthropicContent(request, text),
        stop_reason: toolOf(request) ? 'tool_use' : 'end_turn',
        stop_sequence: null,
        // This dialect always has usage; a proxy that loses it sends zeros or nothing.
        ...(count && { usage: { input_tokens: count.in, output_tokens: count.out } }),
      };
    case 'google':
      return {
        candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP' }],
        ...(count && {
          usageMetadata: {
            promptTokenCount: count.in,
            candidatesTokenCount: count.out - reasoning,
            thoughtsTokenCount: reasoning,
            totalTokenCount: count.in + count.out,
          },
        }),
      };
    case 'compatible':
    default:
      return {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: request.model,
        choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
        ...(count && {
          usage: {
            prompt_tokens: count.in,
            completion_tokens: count.out,
            total_tokens: count.in + count.out,
            completion_tokens_details: { reasoning_tokens: reasoning },
          },
        }),
      };
  }
}

const toolOf = ({ body }: ModelRequest): boolean => body['tools'] !== undefined;

/** Models without schemas of their own answer by the tool they were given for it, when what they say is an object. */
function anthropicContent(request: ModelRequest, text: string): unknown[] {
  if (!toolOf(request)) return [{ type: 'text', text }];
  try {
    return [{ type: 'tool_use', id: 'toolu_1', name: 'json', input: JSON.parse(text) as unknown }];
  } catch {
    return [{ type: 'text', text }];
  }
}

function errorOf({ dialect }: ModelRequest, status: number): unknown {
  const message = `refused with ${status}`;
  if (dialect === 'google') return { error: { code: status, message, status: 'UNAVAILABLE' } };
  if (dialect === 'anthropic') return { type: 'error', error: { type: 'api_error', message } };
  return { error: { message, type: 'server_error', param: null, code: null } };
}
