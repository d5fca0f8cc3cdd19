import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createMinds, type Minds, mindsFrom } from '#gallery/minds';
import { drawsOf, type Mind } from '#gallery/model';
import { systemClock } from '#kernel/base';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { type Dialect, decisionText, FakeModels, tokensOf } from '#test/fake-models';
import { situation } from '#test/mind-situations';

const models = await FakeModels.start();
afterAll(() => models[Symbol.asyncDispose]());
beforeEach(() => {
  models.requests.length = 0;
  models.answer = () => ({ text: decisionText() });
});

const dialects: readonly Dialect[] = ['openai', 'anthropic', 'google', 'compatible'];
const price = { in: 1_000_000, cachedIn: 100_000, out: 2_000_000, images: { any: 40_000 }, asOf: '2026-01-01' };
const nobody: Mind = {
  name: 'improv',
  kind: 'free',
  bound: () => ({ tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 }),
  think: () => Promise.reject(new Error('nobody falls back here')),
};
const minds = (more: Record<string, unknown> = {}): Minds =>
  createMinds({
    config: mindsFrom({
      fallback: 'none',
      minds: JSON.stringify(
        Object.fromEntries(
          dialects.map((dialect) => [
            dialect,
            {
              use: `${dialect}:some-model`,
              baseUrl: models.baseUrl(dialect),
              key: `key-${dialect}`,
              price,
              image: 'brush',
              ...more,
            },
          ]),
        ),
      ),
    }),
    improv: nobody,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
  });
const options = { draws: drawsOf('test'), signal: new AbortController().signal };

describe.each(dialects)('provider.%s', (dialect) => {
  it('gives a decision with its words, counted and priced', async () => {
    const mind = minds().mind(dialect);
    const seen = situation();
    const bound = mind.bound(seen);
    const thought = await mind.think(seen, options);
    expect(thought).toMatchObject({
      decision: { do: 'comment', on: 0, text: 'The left buoy leans as if it heard something.', tags: [] },
      mind: dialect,
      calls: 1,
      injectionsSeen: 0,
    });
    const [request] = models.requests;
    expect(thought.tokens).toEqual({ in: request?.tokensIn, out: tokensOf(decisionText()) });
    expect(thought.costMicros).toBe(thought.tokens.in + 2 * thought.tokens.out);
    expect(thought.tokens.in).toBeLessThan(bound.tokensIn);
    expect(thought.costMicros).toBeLessThan(bound.costMicros);
  });

  it('sends its key, the rules before the persona before what is seen, and the shape', async () => {
    await minds().mind(dialect).think(situation(), options);
    const [request] = models.requests;
    const { headers, body } = request ?? { headers: {}, body: {} };
    expect(JSON.stringify(headers)).toContain(`key-${dialect}`);
    expect(request?.model).toBe('some-model');
    expect(request?.system).toMatch(/^You decide[\s\S]*Account: Harbour Log/);
    expect(request?.user).toContain('red buoy');
    expect(request?.user).not.toContain('You decide');
    const sent = JSON.stringify(body);
    expect(sent).toMatch(dialect === 'compatible' ? /json_object/ : /additionalProperties|"required"/);
    expect(sent).toMatch(/"max\w*tokens":220/i);
    expect(sent).toContain('0.9');
  });

  it('keeps Japanese, Arabic and accents whole', async () => {
    const text = 'ブイがきれい。 عوامة حمراء، déjà vu 🌊';
    models.answer = () => ({ text: decisionText({ text }) });
    expect((await minds().mind(dialect).think(situation(), options)).decision.text).toBe(text);
  });

  it('47: takes the reserved amount of the call when no usage is told', async () => {
    models.answer = () => ({ text: decisionText(), usage: 'missing' });
    const mind = minds().mind(dialect);
    const bound = mind.bound(situation());
    // In this dialect an answer without usage is no answer, and both calls that were made count as spent.
    if (dialect === 'anthropic') {
      const used = { tokens: { in: expect.any(Number) as number, out: 440 } };
      await expect(mind.think(situation(), options)).rejects.toMatchObject({ reason: 'mind_unavailable', used });
      expect(models.requests).toHaveLength(2);
      return;
    }
    const { tokens } = await mind.think(situation(), options);
    expect(tokens.out).toBe(220);
    expect(tokens.in).toBeGreaterThan(bound.tokensIn / 4);
    expect(tokens.in).toBeLessThan(bound.tokensIn / 2);
  });

  it('reserves what a reasoning model thinks with', async () => {
    models.answer = () => ({ text: decisionText(), reasoning: 900 });
    const mind = minds({ reasoningReserve: 1_000 }).mind(dialect);
    const { tokens } = await mind.think(situation(), options);
    expect(tokens.out).toBeGreaterThan(900);
    expect(tokens.out).toBeLessThan(mind.bound(situation()).tokensOut / 2);
  });

  it('is tested with one call of 20 tokens', async () => {
    models.answer = () => ({ text: 'ok' });
    const test = await minds().test(dialect, options.signal);
    expect(test).toMatchObject({ ok: true, detail: 'It answered: ok' });
    expect(test.costMicros).toBeGreaterThan(0);
    expect(JSON.stringify(models.requests[0]?.body)).toMatch(/"max\w*tokens":20\b/i);
    models.answer = () => ({ status: 401 });
    expect(await minds().test(dialect, options.signal)).toMatchObject({ ok: false, costMicros: 0 });
  });
});

describe.each(['openai', 'compatible'] as const)('pictures by %s', (dialect) => {
  it('are bytes with a price, bound before', async () => {
    const painters = minds();
    expect(painters.imageBound(dialect)).toMatchObject({ costMicros: 40_000, images: 1 });
    const painted = await painters.paintImage(dialect, { prompt: 'a red buoy' }, options.signal);
    expect([...painted.bytes.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    expect(painted).toMatchObject({ mimeType: 'image/png', costMicros: 40_000 });
    expect(models.requests[0]).toMatchObject({ kind: 'image', model: 'brush' });
    expect(models.requests).toHaveLength(1);
  });

  it('that may have been painted are on the bill, and not bought twice', async () => {
    models.answer = () => ({ cut: true });
    const painting = minds().paintImage(dialect, { prompt: 'a red buoy' }, options.signal);
    await expect(painting).rejects.toMatchObject({ reason: 'mind_unavailable', used: { costMicros: 40_000 } });
    expect(models.requests).toHaveLength(1);
  });
});

it('a mind without a brush of its own paints by the settings’ model, and nobody paints without one', () => {
  expect(() => minds({ image: undefined }).imageBound('openai')).toThrow(
    expect.objectContaining({ reason: 'mind_unavailable' }) as Error,
  );
  const config = mindsFrom({ imageModel: 'openai:gpt-image-1', openaiApiKey: 'k' });
  const painters = createMinds({
    config,
    improv: nobody,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
  });
  expect(painters.imageBound('improv').costMicros).toBe(42_000);
});

it('nothing but the named provider gets its key', () => {
  const config = mindsFrom({
    openaiApiKey: 'sk-secret',
    minds: JSON.stringify({ other: { use: 'openai:m', baseUrl: 'https://elsewhere.example/v1' } }),
  });
  expect(config.specs[0]).toMatchObject({ baseUrl: 'https://elsewhere.example/v1', key: undefined });
});
