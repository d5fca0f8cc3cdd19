import { createHash } from 'node:crypto';
import { galleryLimits, type SceneFamily, sceneFamilies } from '@muster/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attributeNames, elementNames } from '../drawing/svg.ts';
import { drawScene, engineVersion, sceneElementsMax, sceneSize, sketchOf } from './draw-scene.ts';
import { familyIn } from './family-in.ts';

const url = 'https://gallery.example/sandbox/i/itm_01J8ZK';
type Element = { name: string; attributes: Map<string, string>; text: string };

/** As strict as XML 1.0 asks for what a drawing may hold: no comments, no instructions, no entities but the five. */
function elementsOf(svg: string): Element[] {
  const all: Element[] = [];
  const open: Element[] = [];
  let at = 0;
  const fail = (why: string): never => {
    throw new Error(`${why} at ${at}: ${svg.slice(at, at + 60)}`);
  };
  const unescaped = (text: string): string => {
    if (/&(?!amp;|lt;|gt;|quot;|#39;)|</.test(text)) fail('a bare & or <');
    // oxlint-disable-next-line no-control-regex -- what XML has no place for
    if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u.test(text))
      fail('a character that XML has no place for');
    return text;
  };
  while (at < svg.length) {
    if (svg[at] !== '<') {
      const end = svg.indexOf('<', at);
      if (end === -1 || open.length === 0) fail('text outside');
      open.at(-1)!.text += unescaped(svg.slice(at, end));
      at = end;
      continue;
    }
    const close = /<\/([A-Za-z]+)>/y;
    close.lastIndex = at;
    const closing = close.exec(svg);
    if (closing) {
      if (open.pop()?.name !== closing[1]) fail('closes what is not open');
      at = close.lastIndex;
      continue;
    }
    const tag = /<([A-Za-z]+)((?: [A-Za-z0-9-]+="[^"<]*")*)(\/?)>/y;
    tag.lastIndex = at;
    const found = tag.exec(svg);
    if (!found) return fail('no tag');
    const attributes = new Map<string, string>();
    for (const [, name = '', value = ''] of found[2]!.matchAll(/ ([A-Za-z0-9-]+)="([^"]*)"/g)) {
      if (attributes.has(name)) fail(`${name} twice`);
      attributes.set(name, unescaped(value));
    }
    if (open.length === 0 && all.length > 0) fail('a second root');
    const element = { name: found[1]!, attributes, text: '' };
    all.push(element);
    if (found[3] === '') open.push(element);
    at = tag.lastIndex;
  }
  if (open.length > 0) fail('not closed');
  return all;
}

function check(svg: string): Element[] {
  const elements = elementsOf(svg);
  const ids = new Set<string>();
  for (const { attributes } of elements) {
    const id = attributes.get('id');
    if (id === undefined) continue;
    expect(ids.has(id)).toBe(false);
    ids.add(id);
  }
  for (const { name, attributes, text } of elements) {
    expect(elementNames).toContain(name);
    if (text !== '') expect(name).toBe('text');
    for (const [key, value] of attributes) {
      expect(attributeNames).toContain(key);
      const reference = key === 'href' ? /^#(\w+)$/.exec(value)?.[1] : /url\(#(\w+)\)/.exec(value)?.[1];
      if (key === 'href' || value.includes('url(')) expect(ids).toContain(reference);
      expect(value).not.toMatch(
        /NaN|Infinity|undefined|\d\.\d{3,}|e[-+]\d|javascript|https?:(?!\/\/www\.w3\.org\/2000\/svg)/i,
      );
    }
  }
  return elements;
}

const families = fc.constantFrom(...sceneFamilies);
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const prompts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5_000 }),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.constantFrom(
    '',
    '<script>alert(1)</script>',
    '"/><image href="http://x.example"/>',
    '&lt;&amp;',
    'url(#i0)',
    '港の夕暮れ',
    'مرفأ عند الغروب',
    'Ünïcödé “Größe & Maß” ﷽ 🏴‍☠️',
    'verylong'.repeat(600),
    '\u0000\u202e\ud800',
    'WWWWWWWWWWWWWWWW MMMMMMMMMMMMMMMM',
    'toString constructor __proto__ hasOwnProperty',
  ),
  fc
    .array(
      fc.constantFrom(
        'dusk',
        'three',
        'boats',
        'snow',
        'fern',
        'knight',
        'tile',
        'broken',
        'brass',
        'mug',
        'soup',
        'ginger',
        'trams',
        'per',
        'minute',
        'The Velvet Radiators',
        'sold out',
        'red',
        '9999',
      ),
      { maxLength: 12 },
    )
    .map((words) => words.join(' ')),
);

describe('any order', () => {
  test('gives a drawing that holds, and the same bytes again', () => {
    fc.assert(
      fc.property(
        families,
        seeds,
        prompts,
        fc.option(fc.webUrl(), { nil: undefined }),
        (family, seed, prompt, link) => {
          const order = { family, seed, prompt, ...(link === undefined ? undefined : { url: link }) };
          const scene = drawScene(order);
          expect(drawScene(order)).toEqual(scene);
          expect(Buffer.byteLength(scene.svg)).toBeLessThanOrEqual(galleryLimits.sceneBytesMax);
          expect(check(scene.svg).length).toBe(scene.elements);
          expect(scene.elements).toBeLessThanOrEqual(sceneElementsMax);
          expect(scene.alt.split(/\s+/u).length).toBeLessThanOrEqual(18);
          expect(scene.alt).toMatch(/^\S.*\.$/su);
          expect(scene.facts.length).toBeGreaterThan(1);
          for (const { text } of scene.facts) expect(text.trim()).not.toBe('');
          for (const colour of scene.palette) expect(colour).toMatch(/^#[0-9a-f]{6}$/);
          const { width, height } = sceneSize(scene.family);
          expect(scene.svg).toContain(`viewBox="0 0 ${width} ${height}"`);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each(sceneFamilies)('%s: no seed of two hundred is too large, and hardly two are alike', (family) => {
    const drawn = new Set<string>();
    for (let seed = 0; seed < 200; seed++)
      drawn.add(drawScene({ family, seed, prompt: '', url: url.padEnd(200, 'x') }).svg);
    expect(drawn.size).toBeGreaterThan(195);
  });
});

/** Whoever changes what is drawn raises `engineVersion` and writes these anew. */
const golden: Readonly<Record<SceneFamily, string>> = {
  landscape: 'ffc3245a3cb6f792',
  pixel: 'f958cc6732fbf67b',
  chart: '766a422cd4b5d8ac',
  poster: '8fa7d43e10b017f3',
  pattern: 'a741a4c907aba272',
  product: 'ed0e2d4ec34ac29a',
  card: '0cd05791c45d4944',
  qr: 'fbef2715d51f8a40',
};
test.each(sceneFamilies)('%s of engine 1 is these bytes on every machine', (family) => {
  expect(engineVersion).toBe(1);
  const hash = createHash('sha256');
  for (const prompt of ['', 'three red boats at dusk, brass and ginger'])
    for (let seed = 1; seed <= 5; seed++) hash.update(drawScene({ family, seed, prompt, url }).svg);
  expect(hash.digest('hex').slice(0, 16)).toBe(golden[family]);
});

test('a word among the facts stands in the drawing', () => {
  let words = 0;
  for (const family of ['chart', 'poster', 'product', 'card'] as const)
    for (let seed = 0; seed < 150; seed++) {
      const { sketch } = sketchOf({
        family,
        seed,
        prompt: seed % 3 === 0 ? '' : 'Tuesday soup with "Burnt Sugar" in a brass pan, sold out',
      });
      const drawn = sketch.words.join(' ').toLowerCase();
      for (const { kind, text } of sketch.facts) {
        if (kind !== 'word') continue;
        words++;
        expect(drawn, `${family} ${seed}`).toContain(text.toLowerCase());
      }
    }
  expect(words).toBeGreaterThan(1_000);
});

test('text stays on the sheet', () => {
  for (const family of sceneFamilies)
    for (let seed = 0; seed < 60; seed++) {
      const scene = drawScene({ family, seed, prompt: 'WWWWWWWWWWWWWWW Extraordinarily Longwinded Headlines', url });
      const { width } = sceneSize(scene.family);
      for (const { name, attributes } of elementsOf(scene.svg)) {
        if (name !== 'text') continue;
        const [x, long, anchor] = [
          Number(attributes.get('x')),
          Number(attributes.get('textLength') ?? 0),
          attributes.get('text-anchor'),
        ];
        const left = anchor === 'end' ? x - long : anchor === 'middle' ? x - long / 2 : x;
        expect(left, `${family} ${seed}`).toBeGreaterThanOrEqual(0);
        expect(left + long, `${family} ${seed}`).toBeLessThanOrEqual(width);
      }
    }
});

test('words of the prompt lead', () => {
  const facts = (family: SceneFamily, prompt: string): string =>
    drawScene({ family, seed: 7, prompt })
      .facts.map(({ text }) => text)
      .join(' · ');
  expect(facts('landscape', 'two red buoys in the bay at dawn, thick fog')).toMatch(
    /bay · dawn.*red buoy.*two red buoys.*fog bank/,
  );
  expect(facts('landscape', 'a lone cactus in the desert at night')).toMatch(/desert · night/);
  expect(facts('pixel', 'a fern knight')).toContain('fern knight');
  expect(facts('pixel', 'nine sleepy spores, a whole family')).toContain('nine sleepy spores');
  expect(facts('chart', 'trams per minute as a donut')).toMatch(/trams per minute · donut chart/);
  expect(facts('poster', 'The Velvet Radiators on the roof stage, sold out')).toMatch(
    /^The Velvet Radiators.*sold out/,
  );
  expect(facts('pattern', 'p6m of broken stars')).toMatch(/star motif.*mirrored twelve ways.*missing corner/);
  expect(facts('product', 'a brass kettle')).toContain('brass kettle');
  expect(facts('card', 'noodles with ginger, chili and egg')).toMatch(/noodles.*ginger.*chili.*egg/);
});

test('a code without an address, or with too long a one, is a pattern', () => {
  expect(drawScene({ family: 'qr', seed: 1, prompt: '' }).family).toBe('pattern');
  expect(drawScene({ family: 'qr', seed: 1, prompt: '', url: '' }).family).toBe('pattern');
  expect(drawScene({ family: 'qr', seed: 1, prompt: '', url: 'x'.repeat(214) }).family).toBe('pattern');
  expect(drawScene({ family: 'qr', seed: 1, prompt: '', url }).family).toBe('qr');
});

test('the family that a prompt asks for', () => {
  expect(familyIn('a poster for a concert', 1)).toBe('poster');
  expect(familyIn('bar chart of crumbs', 1)).toBe('chart');
  expect(familyIn('zzz', 1)).toBe(familyIn('zzz', 1));
  expect(new Set(Array.from({ length: 60 }, (_, seed) => familyIn('zzz', seed))).size).toBe(7);
});
