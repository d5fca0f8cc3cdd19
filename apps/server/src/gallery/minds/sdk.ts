import type * as Ai from 'ai';
import type { ImageModel, LanguageModel } from 'ai';
import { asError } from '#kernel/base';
import { type CallFault, faultOf } from './call-fault.ts';
import type { Rates } from './lane.ts';
import { mindLimits as limits } from './limits.ts';
import type { MindSpec } from './settings.ts';
import { answerSchema } from './shape.ts';

/* The only file that touches the SDK, which is loaded with the first call: a server without a model never pays for it. */

export type TextCall = {
  /** Rules, then who it is: what stays the same longest comes first. */
  rules: string;
  persona: string;
  situation: string;
  /** A second try: what came first, and what is wrong with it. */
  redo?: { answer: string; why: string };
  maxOutputTokens: number;
  /** A call that only asks whether the model is there. */
  plain?: boolean;
};
export type TextAnswer = {
  text: string;
  /** `undefined`: the provider did not say. */
  tokensIn: number | undefined;
  cachedIn: number | undefined;
  tokensOut: number | undefined;
  rates: Rates;
};
export type ImageAnswer = { bytes: Uint8Array; mimeType: string; rates: Rates };

/** Failures of a call, as what they mean for the next one. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly fault: CallFault;

  constructor(fault: CallFault, cause: Error) {
    // Without the SDK's own error: it carries the prompt, and what the provider quoted of the key.
    super(fault.detail);
    if (cause.stack !== undefined)
      this.stack = cause.stack.replace(/^[\s\S]*?(?=\n\s+at )/, `CallError: ${fault.detail}`);
    this.fault = fault;
  }
}

/** One call, no retries. Throws `CallError`. The signal ends it at once, wherever it is. */
export async function callText(spec: MindSpec, call: TextCall, signal: AbortSignal): Promise<TextAnswer> {
  const { generateText, Output, jsonSchema } = await sdk();
  const model = await languageModel(spec);
  const output = Output.object({
    schema: jsonSchema(answerSchema as unknown as Parameters<typeof jsonSchema>[0]),
    name: 'act',
  });
  return await translated(signal, async () => {
    const result = await generateText({
      model,
      maxRetries: 0,
      abortSignal: signal,
      maxOutputTokens: call.maxOutputTokens,
      ...(spec.temperature === null ? {} : { temperature: spec.temperature }),
      allowSystemInMessages: true,
      messages: [
        { role: 'system', content: `${call.rules}\n\n${call.persona}` },
        { role: 'user', content: call.situation },
        ...(call.redo
          ? ([
              { role: 'assistant', content: call.redo.answer },
              {
                role: 'user',
                content: `That cannot be used: ${call.redo.why}. Answer again with the one JSON object.`,
              },
            ] as const)
          : []),
      ],
      // What came back is read by us, however it is wrapped; the SDK only says what is wanted.
      ...(call.plain
        ? {}
        : { output: { ...output, parseCompleteOutput: ({ text }: { text: string }) => Promise.resolve(text) } }),
    });
    const { inputTokens, inputTokenDetails, outputTokens } = result.usage;
    return {
      text: typeof result.text === 'string' ? result.text : '',
      tokensIn: inputTokens,
      cachedIn: inputTokenDetails.cacheReadTokens,
      tokensOut: outputTokens,
      rates: ratesOf(result.response.headers ?? {}),
    };
  });
}

/** One picture, no retries. Throws `CallError`. */
export async function callImage(
  spec: MindSpec,
  order: { prompt: string; size: `${number}x${number}` },
  signal: AbortSignal,
): Promise<ImageAnswer> {
  const { generateImage } = await sdk();
  const model = await imageModel(spec);
  return await translated(signal, async () => {
    const result = await generateImage({ model, maxRetries: 0, n: 1, abortSignal: signal, ...order });
    return {
      bytes: result.image.uint8Array,
      mimeType: result.image.mediaType,
      rates: ratesOf(result.responses[0]?.headers ?? {}),
    };
  });
}

async function translated<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw asError(signal.reason);
    const error = asError(thrown);
    throw new CallError(faultOf(error), error);
  }
}

let loaded: Promise<typeof Ai> | undefined;
async function sdk(): Promise<typeof Ai> {
  loaded ??= import('ai');
  // Its warnings go to the console, past the log; what matters in them is in the answer.
  (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
  return await loaded;
}

async function languageModel(spec: MindSpec): Promise<LanguageModel> {
  const settings = { baseURL: spec.baseUrl, fetch: boundedFetch(limits.answerBytesMax), apiKey: spec.key ?? 'none' };
  switch (spec.provider) {
    case 'openai':
      return (await import('@ai-sdk/openai')).createOpenAI(settings)(spec.model);
    case 'anthropic':
      return (await import('@ai-sdk/anthropic')).createAnthropic(settings)(spec.model);
    case 'google':
      return (await import('@ai-sdk/google')).createGoogle(settings)(spec.model);
    case 'compatible':
    default:
      return (await import('@ai-sdk/openai-compatible')).createOpenAICompatible({
        ...compatible(spec),
        supportsStructuredOutputs: spec.structured,
      })(spec.model);
  }
}

async function imageModel(spec: MindSpec): Promise<ImageModel> {
  const settings = { baseURL: spec.baseUrl, fetch: boundedFetch(limits.imageBytesMax), apiKey: spec.key ?? 'none' };
  switch (spec.provider) {
    case 'openai':
      return (await import('@ai-sdk/openai')).createOpenAI(settings).image(spec.model);
    case 'google':
      return (await import('@ai-sdk/google')).createGoogle(settings).image(spec.model);
    case 'compatible':
      return (await import('@ai-sdk/openai-compatible'))
        .createOpenAICompatible({ ...compatible(spec), fetch: boundedFetch(limits.imageBytesMax) })
        .imageModel(spec.model);
    case 'anthropic':
    default:
      throw new CallError({ kind: 'request', detail: 'this provider paints no pictures' }, new Error(spec.provider));
  }
}

const compatible = ({
  baseUrl,
  key,
}: MindSpec): { baseURL: string; name: string; apiKey?: string; fetch: typeof fetch } => ({
  baseURL: baseUrl,
  name: 'compatible',
  fetch: boundedFetch(limits.answerBytesMax),
  ...(key === undefined ? {} : { apiKey: key }),
});

/** The address is the operator's own setting; an answer that is a redirect, or endless, is refused. */
const boundedFetch =
  (bytesMax: number): typeof fetch =>
  async (input, init) => {
    const answer = await fetch(input, { ...init, redirect: 'error' });
    if (answer.body === null) return answer;
    let bytes = 0;
    const counted = answer.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, to) {
          bytes += chunk.byteLength;
          if (bytes > bytesMax) to.error(new Error(`the answer is longer than ${bytesMax} bytes`));
          else to.enqueue(chunk);
        },
      }),
    );
    return new Response(counted, answer);
  };

const number = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

/** What providers say of their limits, in their several words. */
export function ratesOf(headers: Readonly<Record<string, string>>): Rates {
  const first = (...names: string[]): number | undefined =>
    names.map((name) => number(headers[name])).find((value) => value !== undefined);
  const rates = {
    requests: first('x-ratelimit-limit-requests', 'anthropic-ratelimit-requests-limit'),
    requestsLeft: first('x-ratelimit-remaining-requests', 'anthropic-ratelimit-requests-remaining'),
    tokens: first(
      'x-ratelimit-limit-tokens',
      'anthropic-ratelimit-tokens-limit',
      'anthropic-ratelimit-input-tokens-limit',
    ),
    tokensLeft: first(
      'x-ratelimit-remaining-tokens',
      'anthropic-ratelimit-tokens-remaining',
      'anthropic-ratelimit-input-tokens-remaining',
    ),
  };
  return Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined));
}
