import type { Draws } from '#gallery/model';
import { type Colour, colour, colourName, css, lch, lighter, mix, readableOn } from '../../drawing/colour.ts';
import { linear, radial } from '../../drawing/paint.ts';
import { type Palette, paletteOf } from '../../drawing/palettes.ts';
import { Path } from '../../drawing/path.ts';
import type { Family } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import { bold, plain, serif } from '../../type/fonts.ts';
import { cut, headline, label, sizeFor } from '../../type/set.ts';
import { capitalised, namedIn } from '../../words/phrases.ts';
import { lexicon, type Prompt } from '../../words/prompt.ts';
import { sentence } from '../../words/sentence.ts';
import { type Material, makers, materialColours, materials, objects, type Thing } from './objects.ts';
import { Bench } from './solids.ts';

const size = 1000;
const qualities = [
  'Quiet',
  'Left-handed',
  'Patient',
  'Second',
  'Honest',
  'Pocket',
  'Sunday',
  'Slow',
  'Corner',
  'Folding',
  'Early',
  'Spare',
];
const asked = lexicon({
  Quiet: 'quiet silent soft',
  'Left-handed': 'left-handed lefthanded',
  Pocket: 'pocket tiny small',
  Folding: 'folding foldable',
  Slow: 'slow patient',
  Sunday: 'sunday weekend',
  Honest: 'honest plain simple',
  Twin: 'twin double',
});
const specs = [
  ['Weight', ['180 g', '420 g', '1.2 kg', '75 g', '2.4 kg']],
  ['Noise', ['a whisper', 'none to speak of', 'one polite click', '12 dB']],
  ['Made in', ['small batches', 'the back room', 'eleven steps', 'one piece']],
  ['Fits', ['left hands', 'most shelves', 'coat pockets', 'odd corners']],
  ['Lasts', ['nine winters', 'until lent', 'a long while', '10 000 uses']],
  ['Care', ['wipe and thank', 'oil in spring', 'keep from geese', 'cold water']],
  ['Comes with', ['spare screw', 'cloth bag', 'a short story', 'two opinions']],
] as const;

/** A catalogue page for a thing that nobody makes: the object, three facts about it, and a price. */
export const product: Family = ({ draws, prompt }) => {
  const palette = paletteOf(prompt, draws, { earthy: 4, soft: 4, cool: 4, dark: 1 });
  const thing = prompt.find(objects) ?? draws.pick(Object.keys(makers) as Thing[]);
  const material = prompt.find(materials) ?? draws.pick(fitting[thing]);
  const body = bodyColour(prompt, palette, material, draws);
  const trimMaterial: Material =
    material === 'wood' ? 'brass' : material === 'brass' ? 'wood' : draws.pick(['wood', 'brass']);
  const trim = colour(draws.pick(materialColours[trimMaterial]));
  const drawing = new Drawing(size, size);
  const dark = lch(0.24, 0.03, palette.ink.h);
  const wall = groundFor(body, palette, draws);
  backdrop(drawing, draws, palette, wall);
  shadow(drawing);
  // Made to stand on (500, 600), and a little too small for the page.
  drawing.within('g', { transform: 'translate(474 604) scale(1.2) translate(-500 -600)' }, () =>
    makers[thing](new Bench(drawing), { body, trim, dark }),
  );
  const name = nameOf(prompt, draws, thing);
  const three = draws
    .shuffled(specs)
    .slice(0, 3)
    .map(([what, values]) => [what, draws.pick(values)] as const);
  const price = `${draws.whole(4, 89)}.${draws.pick(['00', '50', '90'])}`;
  const said = page(drawing, palette, wall, name, `${capitalised(material)} and ${trimMaterial}`, three, price);
  const tint = colourName(body);
  return {
    drawing,
    facts: [
      { kind: 'thing', text: `${material} ${thing}` },
      { kind: 'word', text: name.toLowerCase() },
      { kind: 'colour', text: `${tint} ${thing}` },
      { kind: 'number', text: `price tag ${price}` },
      ...three.map(([what, value]) => ({
        kind: 'word' as const,
        text: `${what.toLowerCase()} ${value.toLowerCase()}`,
      })),
    ],
    alt: sentence(`A catalogue page for the ${name}: a ${tint} ${material} ${thing} with a price tag and three specs`),
    palette: [wall, palette.paper, body, trim, dark],
    words: said,
  };
};

const fitting: Readonly<Record<Thing, readonly Material[]>> = {
  mug: ['ceramic', 'ceramic', 'steel'],
  kettle: ['steel', 'brass', 'ceramic'],
  lamp: ['steel', 'brass', 'ceramic'],
  bottle: ['glass', 'glass', 'ceramic'],
  vase: ['ceramic', 'glass'],
  radio: ['wood', 'steel', 'cork'],
  clock: ['brass', 'steel', 'ceramic'],
  mallet: ['wood', 'felt'],
  level: ['wood', 'brass', 'steel'],
  comb: ['wood', 'brass'],
  stool: ['wood', 'cork', 'felt'],
  torch: ['steel', 'brass'],
  notebook: ['felt', 'cork'],
  jar: ['glass', 'ceramic'],
  pan: ['brass', 'steel'],
  bell: ['brass', 'steel'],
};

function bodyColour(prompt: Prompt, palette: Palette, material: Material, draws: Draws): Colour {
  const named = prompt.has('red', 'orange', 'yellow', 'green', 'teal', 'blue', 'violet', 'purple', 'pink');
  const own = colour(draws.pick(materialColours[material]));
  const painted = material === 'ceramic' || material === 'felt' || (material === 'steel' && draws.chance(0.5));
  const tint = palette.inks[named ? 0 : draws.whole(0, 3)] ?? own;
  return painted || named ? { ...tint, l: Math.min(0.8, Math.max(0.42, tint.l)) } : mix(own, tint, 0.12);
}

/** A wall that lets the thing stand out: another lightness, or another hue. */
function groundFor(body: Colour, palette: Palette, draws: Draws): Colour {
  const soft = draws
    .shuffled(palette.inks)
    .map((ink) => mix(ink, palette.mood === 'dark' ? palette.ink : palette.paper, 0.55));
  const far = (one: Colour): number =>
    Math.abs(one.l - body.l) + (Math.abs(((one.h - body.h + 540) % 360) - 180) / 180) * Math.min(one.c, body.c) * 3;
  return soft.toSorted((a, b) => far(b) - far(a))[0] ?? palette.paper;
}

function backdrop(drawing: Drawing, draws: Draws, palette: Palette, wall: Colour): void {
  const paper = palette.mood === 'dark' ? palette.ink : palette.paper;
  drawing.add('rect', { width: size, height: size, fill: css(paper) });
  drawing.add('rect', {
    width: size,
    height: 700,
    fill: linear(drawing, [
      [0, lighter(wall, 0.03)],
      [1, lighter(wall, -0.04)],
    ]),
  });
  const back = lighter(wall, wall.l > 0.6 ? 0.05 : 0.08);
  const kind = draws.whole(0, 3);
  if (kind === 0) drawing.add('circle', { cx: 500, cy: 360, r: 300, fill: css(back) });
  else if (kind === 1)
    drawing.add('path', {
      d: new Path().to(220, 640).line(220, 340).arc(280, 280, 780, 340, 0, 1).line(780, 640).close().d,
      fill: css(back),
    });
  else if (kind === 2)
    drawing.add('path', {
      d: new Path()
        .polygon([
          [0, 0],
          [420, 0],
          [140, 640],
          [0, 640],
        ])
        .polygon([
          [560, 0],
          [720, 0],
          [440, 640],
          [280, 640],
        ]).d,
      fill: css(back),
      'fill-opacity': 0.6,
    });
  drawing.add('rect', {
    y: 560,
    width: size,
    height: 140,
    fill: linear(drawing, [
      [0, lighter(wall, -0.09)],
      [1, lighter(wall, -0.03)],
    ]),
  });
}

function shadow(drawing: Drawing): void {
  const dark = lch(0.15, 0.03, 280);
  drawing.add('ellipse', {
    cx: 515,
    cy: 612,
    rx: 340,
    ry: 48,
    fill: radial(drawing, [
      [0, dark, 0.5],
      [0.5, dark, 0.25],
      [1, dark, 0],
    ]),
  });
}

function nameOf(prompt: Prompt, draws: Draws, thing: Thing): string {
  const named = namedIn(prompt);
  if (named !== undefined && bold.covers(named) && serif.covers(named)) return cut(bold, named, 60, 620);
  return `${prompt.find(asked) ?? draws.pick(qualities)} ${thing}`;
}

function page(
  drawing: Drawing,
  palette: Palette,
  wall: Colour,
  name: string,
  made: string,
  three: readonly (readonly [string, string])[],
  price: string,
): string[] {
  const paper = palette.mood === 'dark' ? palette.ink : palette.paper;
  const ink = readableOn(paper, lch(0.98, 0.01, 90), palette.mood === 'dark' ? palette.paper : palette.ink);
  const fit = sizeFor(serif, name, 600, 62, 24);
  headline(drawing, serif, name, { x: 64, y: 790, size: fit, fill: ink });
  label(drawing, plain, made, { x: 66, y: 832, size: 25, fill: ink, opacity: 0.72 });
  const said = [name, made, price];
  for (const [i, [what, value]] of three.entries()) {
    const left = 64 + i * 300;
    drawing.add('rect', { x: left, y: 868, width: 264, height: 2.5, fill: css(mix(ink, paper, 0.35)) });
    label(drawing, plain, what, { x: left, y: 902, size: 21, fill: ink, opacity: 0.66 });
    label(drawing, bold, value, { x: left, y: 938, size: 27, fill: ink });
    said.push(what, value);
  }
  tag(drawing, palette, wall, price);
  return said;
}

/** A tag on a string, at the upper right. */
function tag(drawing: Drawing, palette: Palette, wall: Colour, price: string): void {
  const loud =
    [...palette.inks].toSorted((a, b) => b.c + Math.abs(b.l - wall.l) - a.c - Math.abs(a.l - wall.l))[0] ?? palette.ink;
  const on = readableOn(loud, lch(0.99, 0.01, 90), lch(0.18, 0.02, 280));
  drawing.add('path', {
    d: new Path().to(880, 0).quad(905, 60, 868, 112).d,
    fill: 'none',
    stroke: css(mix(palette.ink, wall, 0.2)),
    'stroke-width': 4,
  });
  drawing.within('g', { transform: 'rotate(8 850 170)' }, () => {
    drawing.add('path', {
      d: new Path()
        .polygon([
          [768, 150],
          [820, 98],
          [916, 98],
          [916, 290],
          [768, 290],
        ])
        .circle(866, 126, 11).d,
      fill: css(loud),
      'fill-rule': 'evenodd',
    });
    headline(drawing, bold, price, { x: 842, y: 232, size: sizeFor(bold, price, 124, 50), fill: on, anchor: 'middle' });
  });
}
