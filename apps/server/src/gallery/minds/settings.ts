import { isIP } from 'node:net';
import { z } from 'zod';
import { AddressSet, invalid } from '#kernel/base';
import { mindLimits } from './limits.ts';
import { freePrice, type Price, type PriceTable, priceOf, priceSchema, readPrices } from './prices.ts';

export const providers = ['openai', 'anthropic', 'google', 'compatible'] as const;
export type Provider = (typeof providers)[number];

/** What the settings say, already read. The older names are those of the systems this one replaces. */
export type MindSettings = {
  /** `improv`, `provider:model`, or a name of `minds`. */
  mind?: string | undefined;
  /** JSON: minds by their names. */
  minds?: string | undefined;
  fallback?: string | undefined;
  baseUrl?: string | undefined;
  /** Of the compatible server. */
  apiKey?: string | undefined;
  /** `provider:model` for pictures. */
  imageModel?: string | undefined;
  /** JSON: prices over the shipped ones. */
  prices?: string | undefined;
  openaiApiKey?: string | undefined;
  anthropicApiKey?: string | undefined;
  googleApiKey?: string | undefined;
  llmProvider?: string | undefined;
  ollamaUrl?: string | undefined;
  ollamaModel?: string | undefined;
  openaiModel?: string | undefined;
};

export type MindSpec = {
  name: string;
  provider: Provider;
  model: string;
  baseUrl: string;
  key: string | undefined;
  price: Price | undefined;
  rpm: number;
  tpm: number;
  temperature: number | null;
  /** Tokens a reasoning model thinks with before it writes. */
  reasoningReserve: number;
  /** The server keeps to a JSON schema; else only JSON is asked for. */
  structured: boolean;
  /** Its provider's model for pictures; `null`: the settings' one paints. */
  imageModel: string | null;
};

export type MindsConfig = {
  /** Minds with names of their own, and the one of the settings. */
  specs: readonly MindSpec[];
  defaultName: string;
  fallbackName: string;
  /** Why the default is not what was asked for: `mind_model_missing`, `mind_key_missing`, `mind_unknown`. */
  degraded: string | null;
  imageModel: MindSpec | null;
  /** Keys and addresses for minds that bots name as `provider:model`. */
  accounts: Readonly<Partial<Record<Provider, { key: string | undefined; baseUrl: string }>>>;
  prices: PriceTable;
};

const homes = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
} as const;
const modelName = /^\S{1,150}$/;

const namedMind = z.strictObject({
  use: z.string().regex(/^(openai|anthropic|google|compatible):\S{1,150}$/, 'expected provider:model'),
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  key: z.string().min(1).max(1_000).optional(),
  price: priceSchema.optional(),
  rpm: z.number().positive().max(1_000_000).optional(),
  tpm: z.number().positive().max(1_000_000_000).optional(),
  temperature: z.number().min(0).max(2).nullable().optional(),
  reasoningReserve: z.number().int().min(0).max(100_000).optional(),
  structured: z.boolean().optional(),
  image: z.string().regex(modelName, 'expected the name of a model').optional(),
});
type NamedMind = z.infer<typeof namedMind>;
const namedMinds = z
  .record(z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'expected a name of small letters, digits, _ and -'), namedMind)
  .refine((all) => Object.keys(all).length <= mindLimits.mindsMax, `expected at most ${mindLimits.mindsMax} minds`)
  .refine((all) => !('improv' in all) && !('none' in all), 'improv and none are taken');

/**
 * The minds of these settings. No key and no address → `improv`; a provider without a model, or without its key, too, and
 * `degraded` says so. Throws `invalid` `minds_invalid` or `prices_invalid` for JSON that cannot be used.
 */
export function mindsFrom(settings: MindSettings): MindsConfig {
  const prices = readPrices(settings.prices);
  const ollama = settings.ollamaUrl ?? (settings.llmProvider === 'ollama' ? 'http://localhost:11434' : undefined);
  const compatible = settings.baseUrl ?? (ollama === undefined ? undefined : openAiPathOf(ollama));
  const accounts: MindsConfig['accounts'] = {
    ...(settings.openaiApiKey ? { openai: { key: settings.openaiApiKey, baseUrl: homes.openai } } : {}),
    ...(settings.anthropicApiKey ? { anthropic: { key: settings.anthropicApiKey, baseUrl: homes.anthropic } } : {}),
    ...(settings.googleApiKey ? { google: { key: settings.googleApiKey, baseUrl: homes.google } } : {}),
    ...(compatible ? { compatible: { key: settings.apiKey, baseUrl: checkedUrl(compatible) } } : {}),
  };
  const named = parseNamed(settings.minds).map(([name, mind]) => specOf(name, mind, accounts, prices));
  const { name, degraded } = defaultOf(settings, named, accounts);
  const parsed = splitName(name);
  const own = parsed && specOf(name, { use: name }, accounts, prices);
  const image = settings.imageModel === undefined ? undefined : splitName(settings.imageModel);
  if (settings.imageModel !== undefined && !image) {
    throw invalid('minds_invalid', 'The image model must be written provider:model.');
  }
  return {
    specs: own ? [...named, own] : named,
    defaultName: name,
    fallbackName: settings.fallback ?? 'improv',
    degraded,
    imageModel: image ? specOf(settings.imageModel ?? '', { use: settings.imageModel ?? '' }, accounts, prices) : null,
    accounts,
    prices,
  };
}

/** The spec of a mind that somebody names as `provider:model`; `undefined` without a key or an address for it. */
export function specNamed(config: Pick<MindsConfig, 'accounts' | 'prices'>, name: string): MindSpec | undefined {
  const parsed = splitName(name);
  if (!parsed || !config.accounts[parsed.provider]) return undefined;
  return specOf(name, { use: name }, config.accounts, config.prices);
}

function defaultOf(
  settings: MindSettings,
  named: readonly MindSpec[],
  accounts: MindsConfig['accounts'],
): { name: string; degraded: string | null } {
  const wanted = settings.mind ?? olderName(settings);
  if (wanted === undefined || wanted === 'improv' || named.some(({ name }) => name === wanted)) {
    return { name: wanted ?? 'improv', degraded: null };
  }
  const provider = providers.find((each) => each === wanted.split(':')[0]);
  if (!provider) return { name: 'improv', degraded: 'mind_unknown' };
  if (!splitName(wanted)) return { name: 'improv', degraded: 'mind_model_missing' };
  if (!accounts[provider]) return { name: 'improv', degraded: 'mind_key_missing' };
  return { name: wanted, degraded: null };
}

/** What the older variables ask for; a key alone asks for nothing, for it names no model. */
function olderName({
  llmProvider,
  openaiApiKey,
  openaiModel,
  ollamaModel,
  ollamaUrl,
}: MindSettings): string | undefined {
  const openai = llmProvider === 'openai' || (llmProvider === undefined && openaiApiKey && openaiModel);
  if (openai) return `openai:${openaiModel ?? ''}`;
  const ollama = llmProvider === 'ollama' || (llmProvider === undefined && (ollamaModel ?? ollamaUrl) !== undefined);
  if (ollama) return `compatible:${ollamaModel ?? ''}`;
  return llmProvider;
}

function splitName(name: string): { provider: Provider; model: string } | undefined {
  const colon = name.indexOf(':');
  const provider = providers.find((each) => each === name.slice(0, colon));
  const model = name.slice(colon + 1);
  return provider && modelName.test(model) ? { provider, model } : undefined;
}

function specOf(name: string, mind: NamedMind, accounts: MindsConfig['accounts'], prices: PriceTable): MindSpec {
  const parsed = splitName(mind.use);
  if (!parsed) throw invalid('minds_invalid', `The mind ${name} names no provider and model.`);
  const { provider, model } = parsed;
  const account = accounts[provider];
  const baseUrl = mind.baseUrl ?? account?.baseUrl ?? (provider === 'compatible' ? undefined : homes[provider]);
  if (baseUrl === undefined)
    throw invalid('minds_invalid', `The mind ${name} needs a base URL: its server can be anywhere.`);
  // A key goes to its own provider only, never along to another address.
  const key = mind.key ?? (mind.baseUrl === undefined || provider === 'compatible' ? account?.key : undefined);
  return {
    name,
    provider,
    model,
    baseUrl: checkedUrl(baseUrl),
    key,
    price: mind.price ?? priceOf(prices, `${provider}:${model}`) ?? (isLocal(baseUrl) ? freePrice : undefined),
    rpm: mind.rpm ?? mindLimits.rpm,
    tpm: mind.tpm ?? mindLimits.tpm,
    temperature: mind.temperature === undefined ? mindLimits.temperature : mind.temperature,
    reasoningReserve: mind.reasoningReserve ?? 0,
    structured: mind.structured ?? provider !== 'compatible',
    imageModel: mind.image ?? null,
  };
}

function parseNamed(text: string | undefined): [string, NamedMind][] {
  if (text === undefined || text.trim() === '') return [];
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid('minds_invalid', 'The list of minds is not JSON.', { cause });
  }
  const read = namedMinds.safeParse(json);
  if (!read.success) throw invalid('minds_invalid', `The list of minds cannot be used: ${z.prettifyError(read.error)}`);
  return Object.entries(read.data);
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw invalid('minds_invalid', 'The base URL of a mind must be http or https, without a user in it.');
  }
  return text.replace(/\/+$/, '');
}

/** An Ollama address is given without its path; the paths we speak are below `/v1`. */
const openAiPathOf = (url: string): string => (/\/v1\/?$/.test(url) ? url : `${url.replace(/\/+$/, '')}/v1`);

const near = new AddressSet(['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1/128', 'fc00::/7']);

/** A machine of one's own sends no bill: loopback, a private address, a name without a domain. */
function isLocal(text: string): boolean {
  const host = (URL.parse(text)?.hostname ?? '').replaceAll(/[[\]]/g, '');
  if (isIP(host) !== 0) return near.has(host);
  return host === 'localhost' || !host.includes('.') || /\.(?:local|internal|lan|home\.arpa)$/.test(host);
}
