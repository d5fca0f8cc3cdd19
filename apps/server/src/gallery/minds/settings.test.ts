import { describe, expect, it } from 'vitest';
import { type MindSettings, mindsFrom, specNamed } from './settings.ts';

const of = (
  settings: MindSettings,
): { name: string; degraded: string | null; url: string | null; model: string | null } => {
  const { defaultName, degraded, specs } = mindsFrom(settings);
  const spec = specs.find(({ name }) => name === defaultName);
  return { name: defaultName, degraded, url: spec?.baseUrl ?? null, model: spec?.model ?? null };
};
const named = (minds: unknown): string => JSON.stringify(minds);

describe('the mind of the settings', () => {
  it.each<[string, MindSettings, Partial<ReturnType<typeof of>>]>([
    ['nothing set', {}, { name: 'improv', degraded: null }],
    ['improv', { mind: 'improv', openaiApiKey: 'k' }, { name: 'improv', degraded: null }],
    ['a model', { mind: 'openai:m', openaiApiKey: 'k' }, { name: 'openai:m', url: 'https://api.openai.com/v1' }],
    [
      'a model with a colon',
      { mind: 'compatible:a:7b', baseUrl: 'http://localhost:1234/v1/' },
      { model: 'a:7b', url: 'http://localhost:1234/v1' },
    ],
    ['no model', { mind: 'openai', openaiApiKey: 'k' }, { name: 'improv', degraded: 'mind_model_missing' }],
    ['no key', { mind: 'anthropic:m' }, { name: 'improv', degraded: 'mind_key_missing' }],
    ['no address', { mind: 'compatible:m' }, { name: 'improv', degraded: 'mind_key_missing' }],
    ['nobody', { mind: 'oracle' }, { name: 'improv', degraded: 'mind_unknown' }],
    ['a key alone', { openaiApiKey: 'k' }, { name: 'improv', degraded: null }],
    [
      'older: openai',
      { llmProvider: 'openai', openaiApiKey: 'k', openaiModel: 'm' },
      { name: 'openai:m', degraded: null },
    ],
    [
      'older: openai, no model',
      { llmProvider: 'openai', openaiApiKey: 'k' },
      { name: 'improv', degraded: 'mind_model_missing' },
    ],
    [
      'older: ollama',
      { llmProvider: 'ollama', ollamaModel: 'm' },
      { name: 'compatible:m', url: 'http://localhost:11434/v1' },
    ],
    [
      'older: its address',
      { ollamaUrl: 'http://box:11434/', ollamaModel: 'm' },
      { name: 'compatible:m', url: 'http://box:11434/v1' },
    ],
    ['older: ollama, no model', { llmProvider: 'ollama' }, { name: 'improv', degraded: 'mind_model_missing' }],
    ['older: another', { llmProvider: 'bard' }, { name: 'improv', degraded: 'mind_unknown' }],
    [
      'ours before older',
      { mind: 'improv', llmProvider: 'openai', openaiApiKey: 'k', openaiModel: 'm' },
      { name: 'improv' },
    ],
    [
      'a named one',
      { mind: 'quick', minds: named({ quick: { use: 'google:m', key: 'k' } }) },
      { name: 'quick', model: 'm' },
    ],
  ])('%s', (_, settings, expected) => expect(of(settings)).toMatchObject(expected));

  it.each<[string, MindSettings]>([
    ['no JSON', { minds: '{' }],
    ['a provider nobody knows', { minds: named({ a: { use: 'other:m' } }) }],
    ['an unknown key', { minds: named({ a: { use: 'openai:m', temprature: 1 } }) }],
    ['improv taken', { minds: named({ improv: { use: 'openai:m' } }) }],
    ['a compatible one without an address', { minds: named({ a: { use: 'compatible:m' } }) }],
    ['a user in the address', { minds: named({ a: { use: 'compatible:m', baseUrl: 'http://u:p@x/v1' } }) }],
    ['another scheme', { minds: named({ a: { use: 'compatible:m', baseUrl: 'file:///etc' } }) }],
    ['prices that are none', { prices: named({ 'openai:m': { in: -1, out: 1, asOf: '2026-01-01' } }) }],
  ])('%s is refused', (_, settings) => {
    expect(() => mindsFrom(settings)).toThrow(expect.objectContaining({ code: 'invalid' }) as Error);
  });
});

describe('prices', () => {
  const priceOf = (settings: MindSettings, name: string): unknown => specNamed(mindsFrom(settings), name)?.price;

  it('a machine of one’s own costs nothing; a server elsewhere is unknown until it is said', () => {
    for (const host of ['localhost', '127.0.0.1', '192.168.1.4', '[::1]', 'ollama', 'gpu.local'])
      expect(priceOf({ baseUrl: `http://${host}:1/v1` }, 'compatible:m')).toMatchObject({ in: 0, out: 0 });
    expect(priceOf({ baseUrl: 'https://models.example.com/v1' }, 'compatible:m')).toBeUndefined();
    const prices = JSON.stringify({ 'compatible:*': { in: 5, out: 6, asOf: '2026-01-01' } });
    expect(priceOf({ baseUrl: 'https://models.example.com/v1', prices }, 'compatible:m')).toMatchObject({ in: 5 });
  });

  it('the longest beginning counts, and an operator’s before the shipped one', () => {
    const prices = named({
      'openai:a*': { in: 1, out: 1, asOf: '2026-01-01' },
      'openai:a-b*': { in: 2, out: 2, asOf: '2026-01-01' },
      'openai:gpt-4o-mini': { in: 3, out: 3, asOf: '2026-01-01' },
    });
    const settings = { openaiApiKey: 'k', prices };
    expect(priceOf(settings, 'openai:a-b-2')).toMatchObject({ in: 2 });
    expect(priceOf(settings, 'openai:a-c')).toMatchObject({ in: 1 });
    expect(priceOf(settings, 'openai:gpt-4o-mini')).toMatchObject({ in: 3 });
    expect(priceOf(settings, 'anthropic:m')).toBeUndefined();
  });
});
