import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { createRaster } from '../raster/raster.ts';
import { parsePipeline } from './parse.ts';
import { runPipeline } from './run.ts';
import { pipelineOf, placeOfOurs } from './targets.ts';

const raster = createRaster({ clock: systemClock, limitMs: 15_000 });
afterAll(() => raster[Symbol.asyncDispose]());

const draw = {
  kind: 'generate',
  generator: 'scene',
  params: { prompt: 'two boats at dusk', family: 'landscape', seed: 4 },
  out: 'a',
};
const save = (from: string, out = 'saved'): object => ({ kind: 'save', in: from, destination: 'gallery', out });
const run = (steps: unknown, seed = 1): ReturnType<typeof runPipeline> =>
  runPipeline(parsePipeline({ name: 'x', steps }), { raster, seed });

describe('what is no pipeline', () => {
  test.each([
    ['null', null, 'invalid_pipeline'],
    ['no list', { steps: {} }, 'invalid_pipeline'],
    ['no steps', { steps: [] }, 'invalid_pipeline'],
    ['21 steps', { steps: Array.from({ length: 21 }, () => draw) }, 'too_many_steps'],
    ['an unknown kind', { steps: [{ kind: 'dance' }] }, 'unknown_kind'],
    ['a kind named like a part of every object', { steps: [{ kind: 'toString' }] }, 'unknown_kind'],
    ['no object', { steps: [7] }, 'unknown_kind'],
    ['no out', { steps: [{ kind: 'generate', generator: 'scene' }] }, 'invalid_step'],
    ['one out twice', { steps: [draw, { ...draw }] }, 'duplicate_out'],
    ['an in that nothing makes', { steps: [draw, save('b')] }, 'undefined_input'],
    [
      'a ring',
      {
        steps: [
          { kind: 'transform', op: 'negate', in: 'b', out: 'a' },
          { kind: 'transform', op: 'negate', in: 'a', out: 'b' },
        ],
      },
      'cycle',
    ],
    ['itself as its in', { steps: [{ kind: 'transform', op: 'negate', in: 'a', out: 'a' }] }, 'cycle'],
    ...['vision', 'text', 'fan-out', 'collect', 'router'].map(
      (kind) => [kind, { steps: [draw, { kind, in: 'a', out: 'b' }] }, 'unsupported_step'] as const,
    ),
  ] as readonly (readonly [string, unknown, string])[])('%s', (_, json, errorCode) => {
    expect(parsePipeline(json)).toMatchObject({
      status: 'error',
      errorCode,
      errorCategory: 'validation',
      retryable: false,
      error: expect.stringMatching(/\.$/),
    });
  });

  test('any value is read without a throw', () => {
    fc.assert(fc.property(fc.anything(), (json) => ['ready', 'error'].includes(parsePipeline(json).status)));
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            kind: fc.constantFrom('generate', 'transform', 'save', 'text'),
            in: fc.constantFrom('a', 'b', 'c'),
            out: fc.constantFrom('a', 'b', 'c'),
            op: fc.constant('negate'),
            generator: fc.constant('scene'),
          }),
        ),
        (steps) => ['ready', 'error'].includes(parsePipeline({ steps }).status),
      ),
    );
  });

  test('steps may stand in any order', () => {
    const parsed = parsePipeline({ steps: [save('b'), { kind: 'transform', op: 'negate', in: 'a', out: 'b' }, draw] });
    expect(parsed.status === 'ready' && parsed.steps.map(({ kind }) => kind)).toEqual([
      'generate',
      'transform',
      'save',
    ]);
  });
});

describe('running', () => {
  test.each([
    ['resize', { width: 300, height: 200, fit: 'cover' }, [300, 200]],
    ['resize', { width: 300, height: 200, fit: 'contain', background: '#fff' }, [300, 200]],
    ['resize', { width: 640, fit: 'fill', kernel: 'nearest' }, [640, 480]],
    ['resize', { width: 300, height: 300, fit: 'inside' }, [300, 225]],
    ['modulate', { brightness: 1.2, saturation: 0.4, hue: 90 }, [1200, 900]],
    ['adjust', { contrast: 1.3, brightness: 0.9 }, [1200, 900]],
    ['grayscale', {}, [1200, 900]],
    ['negate', {}, [1200, 900]],
    ['tint', { color: '#1b6ca8' }, [1200, 900]],
    ['blur', { sigma: 6 }, [1200, 900]],
    ['roundCorners', { radius: 40 }, [1200, 900]],
    ['extend', { top: 10, left: 20, background: 'white' }, [1220, 910]],
    ['extract', { left: 100, top: 100, width: 400, height: 400 }, [400, 400]],
    ['addText', { text: '<b> & "quoted"', x: 20, y: 60 }, [1200, 900]],
    ['addCaption', { text: 'Slack tide, later than promised' }, [1200, 1_001]],
    ...['vintage', 'sepia', 'cool', 'warm', 'dramatic', 'muted'].map(
      (name) => ['preset', { name }, [1200, 900]] as const,
    ),
  ] as readonly (readonly [string, object, readonly [number, number]])[])(
    '%s %j',
    async (op, params, [width, height]) => {
      const answer = await run([
        draw,
        { kind: 'transform', op, in: 'a', params, out: 'b' },
        { kind: 'transform', op: 'negate', in: 'b', params: {}, out: 'c' },
        save('b'),
        save('c', 'other'),
      ]);
      if (answer.status === 'error') throw new Error(answer.error);
      const [image, other] = answer.images;
      expect([image!.width, image!.height]).toEqual([width, height]);
      expect(image!.mimeType).toBe('image/svg+xml');
      expect(other!.svg).not.toBe(image!.svg);
      // It is a drawing that the rasteriser reads, and not the one it began with.
      expect((await raster.png(image!.svg!, 256)).length).toBeGreaterThan(500);
      expect(image!.svg).not.toContain('<b>');
    },
  );

  test('grayscale leaves no colour, and every colour is found', async () => {
    const answer = await run([draw, { kind: 'transform', op: 'grayscale', in: 'a', params: {}, out: 'b' }, save('b')]);
    const svg = answer.status === 'completed' ? answer.images[0]!.svg! : '';
    const colours = svg.match(/#[0-9a-f]{6}/g) ?? [];
    expect(colours.length).toBeGreaterThan(10);
    expect(
      colours.filter((text) => text.slice(1, 3) !== text.slice(3, 5) || text.slice(3, 5) !== text.slice(5, 7)),
    ).toEqual([]);
  });

  test('a converted one is pixels of exactly its size', async () => {
    const answer = await run([
      draw,
      { kind: 'transform', op: 'resize', in: 'a', params: { width: 301, height: 97 }, out: 'b' },
      { kind: 'transform', op: 'convert', in: 'b', params: { to: 'jpeg' }, out: 'c' },
      save('c'),
    ]);
    expect(answer).toMatchObject({
      status: 'completed',
      images: [
        { mimeType: 'image/png', width: 301, height: 97, out: 'saved', destination: 'gallery', simulated: false },
      ],
    });
    const { bytes } = answer.status === 'completed' ? answer.images[0]! : { bytes: Buffer.alloc(0) };
    expect([Buffer.from(bytes).readUInt32BE(16), Buffer.from(bytes).readUInt32BE(20)]).toEqual([301, 97]);
  });

  test('models are drawn by our engine and say so; shapes and codes are ours', async () => {
    const of = async (generator: string, params: object): Promise<object> => {
      const answer = await run([{ kind: 'generate', generator, params, out: 'a' }]);
      return answer.status === 'error'
        ? { errorCode: answer.errorCode, errorCategory: answer.errorCategory }
        : { simulated: answer.images[0]!.simulated };
    };
    expect(await of('openai', { prompt: 'a poster for a concert' })).toEqual({ simulated: true });
    expect(await of('shapes', {})).toEqual({ simulated: false });
    expect(await of('qr', { url: 'https://gallery.example/i/1' })).toEqual({ simulated: false });
    expect(await of('qr', { text: 'call me' })).toEqual({ errorCode: 'invalid_params', errorCategory: 'user_input' });
    expect(await of('camera', {})).toEqual({ errorCode: 'unknown_generator', errorCategory: 'provider_config' });
    expect(await of('scene', { seed: -1 })).toEqual({ errorCode: 'invalid_params', errorCategory: 'user_input' });
    const guarded = await runPipeline(
      parsePipeline({
        steps: [{ kind: 'generate', generator: 'qr', params: { url: 'https://elsewhere.example' }, out: 'a' }],
      }),
      { raster, seed: 1, mayPointTo: () => false },
    );
    expect(guarded).toMatchObject({ errorCode: 'invalid_params' });
  });

  test.each([
    ['constructor', {}, 'unknown_op'],
    ['upscale', {}, 'unknown_op'],
    ['resize', { width: 0 }, 'invalid_params'],
    ['resize', { width: 'javascript' }, 'invalid_params'],
    ['tint', { color: 'url(#x)' }, 'invalid_params'],
    ['extend', { background: '"/><script>' }, 'invalid_params'],
    ['extract', { left: 2_000, width: 5, height: 5 }, 'invalid_params'],
    ['addText', {}, 'invalid_params'],
    ['preset', { name: 'constructor' }, 'invalid_params'],
  ])('%s %j is refused', async (op, params, errorCode) => {
    expect(await run([draw, { kind: 'transform', op, in: 'a', params, out: 'b' }, save('b')])).toMatchObject({
      status: 'error',
      errorCode,
      retryable: false,
    });
  });

  test('the same pipeline and seed draw the same', async () => {
    const steps = [{ kind: 'generate', generator: 'openai', params: { prompt: 'zzz' }, out: 'a' }, save('a')];
    expect(await run(steps, 5)).toEqual(await run(steps, 5));
    expect(await run(steps, 6)).not.toEqual(await run(steps, 5));
  });
});

describe('targets', () => {
  test('what is made for a target runs here, and the saved picture is the transformed one', async () => {
    const json = pipelineOf({ family: 'pixel', seed: 9, prompt: 'fern knight' }, { name: 'bot post' });
    const answer = await runPipeline(parsePipeline(json), { raster, seed: 1 });
    expect(answer).toMatchObject({ status: 'completed', images: [{ width: 1_024, height: 1_024 }] });
    expect(answer.status === 'completed' && answer.images[0]!.svg).toContain('crispEdges');
    expect(
      pipelineOf({ family: 'card', seed: 1, prompt: 'soup' }, { name: 'n', generator: 'openai' }).steps[0],
    ).toEqual({ kind: 'generate', generator: 'openai', params: { prompt: 'soup' }, out: 'drawn' });
  });

  const stepsOf = (...kinds: string[]) => kinds.map((kind) => ({ kind }));
  test.each([
    ['one save, one picture', stepsOf('generate', 'transform', 'save'), 1, 0],
    ['as many as save steps: the last', stepsOf('generate', 'transform', 'save', 'save'), 2, 1],
    ['as many as steps: that of the last save', stepsOf('generate', 'save', 'transform'), 3, 1],
    ['as many as steps, two saves', stepsOf('generate', 'save', 'transform', 'save', 'transform'), 5, 3],
    ['some other number: the last', stepsOf('generate', 'transform', 'save'), 2, 1],
    ['no save step: the last', stepsOf('generate', 'transform'), 2, 1],
    ['none', stepsOf('generate', 'save'), 0, -1],
  ])('which picture is ours: %s', (_, steps, pictures, at) => {
    expect(placeOfOurs(steps, pictures)).toBe(at);
  });
});
