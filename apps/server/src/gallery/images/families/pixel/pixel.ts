import type { Draws } from '#gallery/model';
import { type Colour, colour, colourName, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { type Palette, paletteOf } from '../../drawing/palettes.ts';
import { Path } from '../../drawing/path.ts';
import type { Family } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import { lexicon } from '../../words/prompt.ts';
import { counted, sentence } from '../../words/sentence.ts';
import { type Cell, type Creature, cellKinds, makers, Sprite } from './sprite.ts';

const creatures = lexicon<Creature>({
  sprite: 'sprite moss_sprite fairy elf imp spirit gnome moss',
  ox: 'ox cow bull moss_ox buffalo goat deer',
  knight: 'knight fern_knight warrior hero guard prince squire cape',
  spore: 'spore sleepy_spore seed puffball dust acorn nut',
  cat: 'cat kitten fox tiger dog bear mouse',
  bird: 'bird owl gull wren duck chick hen penguin',
  fish: 'fish koi carp whale trout shark',
  ghost: 'ghost phantom shade haunt boo',
  slime: 'slime blob jelly puddle drop goo snail',
  robot: 'robot bot machine android automaton',
  fern: 'fern bush shrub herb',
  mushroom: 'mushroom toadstool fungus shroom cap',
  cactus: 'cactus succulent aloe',
  flower: 'flower daisy tulip rose bloom sunflower',
  sprout: 'sprout seedling sapling plant clover bean leaf',
});
const layouts = lexicon<'one' | 'frames' | 'crowd'>({
  frames: 'frame frames sheet animation walk cycle steps',
  crowd: 'crowd family row many collection set three four five six nine',
  one: 'portrait single lone one',
});
const shapes: Readonly<Record<Creature, string>> = {
  sprite: 'moss sprite',
  ox: 'moss ox',
  knight: 'fern knight',
  spore: 'sleepy spore',
  cat: 'cat',
  bird: 'round bird',
  fish: 'fish',
  ghost: 'ghost',
  slime: 'slime',
  robot: 'robot',
  fern: 'potted fern',
  mushroom: 'mushroom',
  cactus: 'cactus',
  flower: 'flower',
  sprout: 'sprout',
};
const grown: ReadonlySet<Creature> = new Set(['fern', 'mushroom', 'cactus', 'flower', 'sprout']);

type Coat = Readonly<Record<Cell, Colour>>;

/** Small creatures on a grid: one on its stage, one in four frames, or nine of a kind. */
export const pixel: Family = ({ draws, prompt }) => {
  const palette = paletteOf(prompt, draws, { bright: 5, soft: 4 });
  const chance = draws.pick(Object.keys(makers) as Creature[]);
  const creature = prompt.find(creatures) ?? chance;
  const side = draws.pick([16, 20, 20, 24, 24, 28]);
  const layout = prompt.find(layouts) ?? draws.weighted({ one: 5, frames: 2, crowd: 3 }) ?? 'one';
  const drawing = new Drawing(1000, 1000);
  const ground = backdrop(drawing, draws, palette, layout);
  const coat = coatOf(palette, draws, ground, creature, 0);
  const count = layout === 'one' ? 1 : layout === 'frames' ? 4 : 9;
  if (layout === 'one') {
    stage(drawing, draws, palette, ground);
    const cell = Math.floor(720 / side);
    const sprite = make(creature, side, draws);
    paint(drawing, sprite, coat, cell, Math.round((1000 - cell * side) / 2), 852 - cell * (sprite.lowest + 1));
  } else if (layout === 'frames') frames(drawing, make(creature, side, draws), coat, palette, ground);
  else crowd(drawing, draws, palette, ground, creature, Math.min(side, 20));
  const body = colourName(coat.body);
  const name = shapes[creature];
  return {
    drawing,
    facts: [
      { kind: 'thing', text: count === 9 ? counted(name, 9) : name },
      {
        kind: 'colour',
        text:
          grown.has(creature) && creature !== 'mushroom' && creature !== 'flower'
            ? `${colourName(coat.accent)} tips`
            : `${body} body`,
      },
      ...(count === 4 ? ([{ kind: 'number', text: 'four frames' }] as const) : []),
      { kind: 'number', text: `${layout === 'crowd' ? Math.min(side, 20) : side} pixel grid` },
      { kind: 'colour', text: `${colourName(ground)} backdrop` },
    ],
    alt: sentence(
      `Pixel art of ${count === 9 ? counted(name, 9) : counted(name, 1)}${count === 4 ? ' in four frames' : ''} on ${colourName(ground)}`,
    ),
    palette: [ground, coat.body, coat.shade, coat.accent, coat.mark],
    words: [],
  };
};

const make = (creature: Creature, side: number, draws: Draws): Sprite => {
  const sprite = new Sprite(side);
  makers[creature](sprite, side, draws);
  return sprite.finish();
};

function coatOf(palette: Palette, draws: Draws, ground: Colour, creature: Creature, turn: number): Coat {
  const inks = palette.inks.toSorted((a, b) => Math.abs(b.l - ground.l) + b.c - Math.abs(a.l - ground.l) - a.c);
  const plantish = grown.has(creature) && creature !== 'mushroom' && creature !== 'flower';
  const own = plantish
    ? mix(colour('#5fa35a'), inks[0] ?? palette.ink, 0.15)
    : (inks[turn % inks.length] ?? palette.ink);
  const body = { ...own, l: Math.min(0.78, Math.max(0.5, own.l)) };
  const accent = inks[(turn + 1) % inks.length] ?? palette.ink;
  return {
    none: ground,
    body,
    light: lighter(mix(body, lch(0.98, 0.04, 95), 0.28), 0.04),
    shade: mix(lighter(body, -0.13), lch(0.25, 0.1, 290), 0.22),
    mark: mix(body, lch(0.96, 0.03, 85), 0.68),
    accent: { ...accent, l: Math.min(0.82, Math.max(0.56, accent.l)), c: Math.max(0.1, accent.c) },
    eye: lch(0.22, 0.04, 280),
    glint: lch(0.98, 0.01, 90),
    outline: mix(lighter(body, -0.42), lch(0.18, 0.06, 280), 0.55),
    stem: colour(draws.pick(['#3f6b3a', '#4f7a3f', '#2f5f4a'])),
    leaf: colour(draws.pick(['#6fae4e', '#4f9a5a', '#8fbf4a'])),
    pot: mix(colour('#b8653a'), palette.inks[1], 0.25),
  };
}

/** Runs of one colour in a row become one box, boxes of one colour one path. */
function paint(drawing: Drawing, sprite: Sprite, coat: Coat, cell: number, left: number, top: number): void {
  const paths = new Map<Cell, Path>();
  for (let y = 0; y < sprite.side; y++)
    for (let x = 0; x < sprite.side; ) {
      const here = sprite.at(x, y);
      let wide = 1;
      while (x + wide < sprite.side && sprite.at(x + wide, y) === here) wide++;
      if (here !== 'none') {
        const path = paths.get(here) ?? new Path();
        path.box(left + x * cell, top + y * cell, wide * cell, cell);
        paths.set(here, path);
      }
      x += wide;
    }
  for (const kind of cellKinds) {
    const path = paths.get(kind);
    if (path) drawing.add('path', { d: path.d, fill: css(coat[kind]), 'shape-rendering': 'crispEdges' });
  }
}

function backdrop(drawing: Drawing, draws: Draws, palette: Palette, layout: string): Colour {
  const ground = draws.chance(0.5)
    ? mix(palette.paper, palette.inks[draws.whole(0, 3)] ?? palette.ink, 0.28)
    : mix(palette.inks[3], palette.mood === 'dark' ? palette.paper : palette.ink, 0.35);
  drawing.add('rect', { width: 1000, height: 1000, fill: css(ground) });
  const dots = new Path();
  if (layout !== 'one')
    for (let i = 0; i < 400; i++)
      if (draws.chance(0.5)) dots.box((i % 20) * 50 + 22, Math.floor(i / 20) * 50 + 22, 6, 6);
  if (dots.d !== '')
    drawing.add('path', {
      d: dots.d,
      fill: css(lighter(ground, ground.l > 0.5 ? -0.06 : 0.07)),
      'shape-rendering': 'crispEdges',
    });
  return ground;
}

/** A sun or moon, hills and grass, all in the same blocks. */
function stage(drawing: Drawing, draws: Draws, palette: Palette, ground: Colour): void {
  const block = 20;
  const rows = (path: Path, cx: number, cy: number, r: number): Path => {
    for (let y = -r; y < r; y++) {
      const half = Math.round(Math.sqrt(r * r - (y + 0.5) ** 2));
      path.box((cx - half) * block, (cy + y) * block, 2 * half * block, block);
    }
    return path;
  };
  const step = ground.l > 0.5 ? -0.05 : 0.055;
  const crisp = { 'shape-rendering': 'crispEdges' } as const;
  drawing.add('path', { d: rows(new Path(), 25, 21, 19).d, fill: css(lighter(ground, -step * 0.8)), ...crisp });
  drawing.add('path', {
    d: rows(new Path(), draws.pick([9, 41]), 9, draws.whole(3, 5)).d,
    fill: css(mix(palette.inks[1], lch(0.95, 0.06, 90), 0.4)),
    ...crisp,
  });
  const far = new Path();
  const near = new Path();
  let [a, b] = [34, 41];
  for (let x = 0; x < 50; x++) {
    a = Math.min(37, Math.max(30, a + draws.whole(-1, 1)));
    b = 41 + (draws.chance(0.18) ? -1 : 0);
    far.box(x * block, a * block, block, 1000 - a * block);
    near.box(x * block, b * block, block, 1000 - b * block);
  }
  drawing.add('path', { d: far.d, fill: css(lighter(mix(ground, palette.inks[2], 0.25), step)), ...crisp });
  const grass = mix(colour('#5c9a56'), ground, 0.25);
  drawing.add('path', { d: near.d, fill: css(grass), ...crisp });
  const tufts = new Path();
  for (let i = 0; i < 26; i++) tufts.box(draws.whole(0, 49) * block, draws.whole(43, 49) * block, block, block);
  drawing.add('path', { d: tufts.d, fill: css(lighter(grass, -0.07)), ...crisp });
  const specks = new Path();
  for (let i = 0; i < 9; i++) specks.box(draws.whole(0, 49) * block, draws.whole(43, 49) * block, block / 2, block / 2);
  drawing.add('path', { d: specks.d, fill: css(palette.inks[1]), ...crisp });
  drawing.add('path', {
    d: new Path().box(320, 840, 360, 20).box(360, 860, 280, 20).d,
    fill: css(lighter(grass, -0.16)),
    ...crisp,
  });
}

function frames(drawing: Drawing, sprite: Sprite, coat: Coat, palette: Palette, ground: Colour): void {
  const cell = Math.floor(400 / sprite.side);
  const poses = [sprite, sprite.squashed(), sprite.blinking(), sprite.moved(0, -2)];
  for (const [i, pose] of poses.entries()) {
    const [x, y] = [60 + (i % 2) * 450, 60 + Math.floor(i / 2) * 450];
    drawing.add('rect', {
      x,
      y,
      width: 430,
      height: 430,
      fill: css(mix(ground, i % 3 === 0 ? palette.paper : (palette.inks[i % 4] ?? ground), i % 3 === 0 ? 0.55 : 0.3)),
    });
    drawing.add('rect', {
      x: x + 115,
      y: y + 372,
      width: 200,
      height: 20,
      fill: css(coat.outline),
      'fill-opacity': 0.25,
    });
    paint(
      drawing,
      pose,
      coat,
      cell,
      x + Math.round((430 - cell * sprite.side) / 2),
      y + Math.round((430 - cell * sprite.side) / 2) + cell,
    );
  }
}

function crowd(
  drawing: Drawing,
  draws: Draws,
  palette: Palette,
  ground: Colour,
  creature: Creature,
  side: number,
): void {
  const cell = Math.floor(270 / side);
  for (let i = 0; i < 9; i++) {
    const [x, y] = [50 + (i % 3) * 310, 50 + Math.floor(i / 3) * 310];
    drawing.add('rect', {
      x,
      y,
      width: 280,
      height: 280,
      fill: css(mix(ground, palette.inks[(i + Math.floor(i / 3)) % 4] ?? ground, 0.34)),
    });
    paint(
      drawing,
      make(creature, side, draws),
      coatOf(palette, draws, ground, creature, i),
      cell,
      x + Math.round((280 - cell * side) / 2),
      y + Math.round((280 - cell * side) / 2),
    );
  }
}
