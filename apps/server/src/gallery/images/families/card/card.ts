import type { Draws } from '#gallery/model';
import { type Colour, colour, css, lch, lighter, mix, readableOn } from '../../drawing/colour.ts';
import { type Palette, paletteOf } from '../../drawing/palettes.ts';
import { Path } from '../../drawing/path.ts';
import type { Family } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import { plain, serif } from '../../type/fonts.ts';
import { cut, headline, label, sizeFor } from '../../type/set.ts';
import { capitalised, namedIn, titled, topicOf } from '../../words/phrases.ts';
import type { Prompt } from '../../words/prompt.ts';
import { listed, sentence } from '../../words/sentence.ts';
import { piece } from './ingredient.ts';
import { type Dish, dishes, type Ingredient, larder, notes, recipes, titles } from './larder.ts';
import { paintDish } from './plate.ts';

const [width, height] = [800, 1000];
const [tableTop, tableFoot] = [34, 590];
const least = 3;
const most = 6;

/** A card from somebody's kitchen: the dish from above, its name, and what is in it. */
export const card: Family = ({ draws, prompt }) => {
  const palette = paletteOf(prompt, draws, { warm: 6, earthy: 5, soft: 4, bright: 2, dark: 1 });
  const dish = prompt.find(dishes) ?? draws.pick(Object.keys(recipes) as Dish[]);
  const ingredients = ingredientsOf(prompt, draws, dish);
  const drawing = new Drawing(width, height);
  const paper = palette.mood === 'dark' ? palette.ink : palette.paper;
  const ink = palette.mood === 'dark' ? palette.paper : palette.ink;
  const table = draws.pick(palette.inks);
  drawing.add('rect', { width, height, fill: css(paper) });
  cloth(drawing, draws, palette, table);
  const glaze = mix(
    draws.pick([
      colour('#f4efe2'),
      colour('#e4ece8'),
      colour('#f0dcc8'),
      mix(palette.inks[1], lch(0.95, 0.02, 90), 0.5),
    ]),
    paper,
    0.2,
  );
  paintDish(
    { drawing, draws, x: width / 2, y: (tableTop + tableFoot) / 2 + 16, r: 214 },
    dish,
    ingredients,
    glaze,
    table,
  );
  cutlery(drawing, dish, mix(lch(0.86, 0.015, 250), paper, 0.2));
  const title = titleOf(prompt, draws, dish);
  const note = draws.pick(notes);
  const said = words(drawing, palette, ink, title, note, ingredients);
  border(drawing, ink, table, paper);
  const names = ingredients.map(({ name }) => name);
  return {
    drawing,
    facts: [
      { kind: 'word', text: title.toLowerCase() },
      { kind: 'thing', text: `${recipes[dish].vessel} of ${dish}` },
      ...(recipes[dish].steam ? ([{ kind: 'thing', text: 'steam' }] as const) : []),
      ...names.map((text) => ({ kind: 'thing' as const, text })),
      { kind: 'word', text: note.toLowerCase() },
    ],
    alt: sentence(
      `A recipe card for ${title}${recipes[dish].steam ? ', steaming' : ''}, with ${listed(names.slice(0, 4))}`,
    ),
    palette: [paper, table, glaze, ink, ...palette.inks],
    words: said,
  };
};

function ingredientsOf(prompt: Prompt, draws: Draws, dish: Dish): Ingredient[] {
  // `rice` in a rice dish is the dish; `egg` and `eggs` are one.
  const asked = prompt.all(larder).filter(({ name }) => dishes.get(name) !== dish);
  const count = Math.max(least, Math.min(most, Math.max(asked.length, prompt.number() ?? draws.whole(4, 6))));
  const more = draws.shuffled(recipes[dish].usual).flatMap((name) => larder.get(name) ?? []);
  const kept: Ingredient[] = [];
  for (const one of [...asked, ...more])
    if (
      !kept.some(
        ({ name, form, hex }) =>
          name === one.name || `${name}s` === one.name || (form === one.form && hex === one.hex && form !== 'leaf'),
      )
    )
      kept.push(one);
  return kept.slice(0, count);
}

function titleOf(prompt: Prompt, draws: Draws, dish: Dish): string {
  const settable = (text: string): boolean => text.length > 3 && serif.covers(text);
  const named = namedIn(prompt);
  if (named !== undefined && settable(named)) return named;
  const topic = topicOf(prompt, 4);
  const about = titled(topic.join(' '));
  return topic.length > 1 && topic.some((word) => dishes.has(word.toLowerCase())) && settable(about)
    ? about
    : draws.pick(titles[dish]);
}

function cloth(drawing: Drawing, draws: Draws, palette: Palette, table: Colour): void {
  const box = { x: 34, y: tableTop, width: width - 68, height: tableFoot - tableTop } as const;
  const id = drawing.id();
  drawing.within('clipPath', { id }, () => drawing.add('rect', { ...box, rx: 14 }));
  drawing.within('g', { 'clip-path': `url(#${id})` }, () => {
    drawing.add('rect', { ...box, fill: css(table) });
    const other = mix(table, palette.mood === 'dark' ? palette.paper : palette.paper, 0.35);
    const path = new Path();
    const kind = draws.whole(0, 3);
    if (kind === 0) for (let x = 0; x < width; x += 66) path.box(x, 0, 33, 600);
    else if (kind === 1)
      for (let x = -600; x < width; x += 56)
        path.polygon([
          [x, 600],
          [x + 20, 600],
          [x + 620, 0],
          [x + 600, 0],
        ]);
    else if (kind === 2)
      for (let i = 0; i < 160; i++)
        path.circle(40 + (i % 16) * 50 + (Math.floor(i / 16) % 2) * 25, 50 + Math.floor(i / 16) * 56, 6);
    else {
      const columns = new Path();
      for (let x = 0; x < width; x += 72) columns.box(x, 0, 36, 600);
      for (let y = 0; y < 600; y += 72) path.box(0, y, width, 36);
      drawing.add('path', { d: columns.d, fill: css(other), 'fill-opacity': 0.4 });
    }
    drawing.add('path', { d: path.d, fill: css(other), 'fill-opacity': kind === 3 ? 0.4 : 0.5 });
  });
}

function cutlery(drawing: Drawing, dish: Dish, metal: Colour): void {
  if (recipes[dish].vessel === 'cup' || recipes[dish].vessel === 'board') return;
  const shade = { fill: css(lch(0.15, 0.02, 280)), 'fill-opacity': 0.22, transform: 'translate(7 9)' } as const;
  const spoon = new Path()
    .to(694, 250)
    .cubic(734, 250, 734, 352, 700, 362)
    .line(704, 500)
    .arc(10, 10, 684, 500, 0, 1)
    .line(688, 362)
    .cubic(654, 352, 654, 250, 694, 250)
    .close();
  const fork = new Path()
    .to(82, 244)
    .line(82, 316)
    .cubic(82, 352, 100, 352, 100, 366)
    .line(96, 500)
    .arc(10, 10, 116, 500, 0, 0)
    .line(112, 366)
    .cubic(112, 352, 130, 352, 130, 316)
    .line(130, 244)
    .line(122, 244)
    .line(122, 310)
    .line(110, 310)
    .line(110, 244)
    .line(102, 244)
    .line(102, 310)
    .line(90, 310)
    .line(90, 244)
    .close();
  for (const path of [spoon, fork]) {
    if (path === fork && recipes[dish].vessel === 'bowl') continue;
    drawing.add('path', { d: path.d, ...shade });
    drawing.add('path', { d: path.d, fill: css(metal) });
  }
}

function words(
  drawing: Drawing,
  palette: Palette,
  ink: Colour,
  title: string,
  note: string,
  ingredients: readonly Ingredient[],
): string[] {
  const size = sizeFor(serif, title, width - 150, 64, 22);
  headline(drawing, serif, cut(serif, title, size, width - 140), {
    x: width / 2,
    y: 680,
    size,
    fill: ink,
    anchor: 'middle',
  });
  label(drawing, plain, note, { x: width / 2, y: 722, size: 25, fill: ink, anchor: 'middle', opacity: 0.74 });
  const said = [title, note];
  const columns = ingredients.length > 4 ? 3 : 2;
  const rows = Math.ceil(ingredients.length / columns);
  const wide = (width - 150) / columns;
  const top = 806 + (rows === 1 ? 30 : 0);
  for (const [i, { name, form, hex }] of ingredients.entries()) {
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, ingredients.length - row * columns);
    const left = width / 2 - (inRow * wide) / 2 + (i % columns) * wide + (columns === 2 ? 50 : 10);
    const y = top + row * 76;
    const own = colour(hex);
    const under =
      own.l > 0.82 ? mix(palette.inks[2], lch(0.6, 0.08, palette.inks[2].h), 0.5) : mix(own, lch(0.94, 0.02, 85), 0.74);
    drawing.add('circle', { cx: left + 26, cy: y - 9, r: 30, fill: css(under) });
    piece({ drawing }, form, own, left + 26, y - 9, 46, -0.5);
    const room = wide - 76;
    const said2 = cut(plain, capitalised(name), 24, room);
    label(drawing, plain, said2, { x: left + 66, y: y - 1, size: 24, fill: ink });
    said.push(said2);
  }
  return said;
}

/** A double line with small leaves in the corners, and a knot under the title. */
function border(drawing: Drawing, ink: Colour, table: Colour, paper: Colour): void {
  const line = css(mix(readableOn(paper, lighter(ink, 0), ink), table, 0.5));
  drawing.add('rect', {
    x: 16,
    y: 16,
    width: width - 32,
    height: height - 32,
    rx: 22,
    fill: 'none',
    stroke: line,
    'stroke-width': 3,
  });
  drawing.add('rect', {
    x: 24,
    y: 24,
    width: width - 48,
    height: height - 48,
    rx: 18,
    fill: 'none',
    stroke: line,
    'stroke-width': 1.4,
  });
  const leaves = new Path();
  for (const [x, side] of [
    [70, 1],
    [730, -1],
  ] as const)
    for (let i = 0; i < 3; i++) {
      const [px, py] = [x + side * i * 26, 946 - i * 2];
      leaves
        .to(px, py)
        .quad(px + side * 8, py - 22, px + side * 28, py - 24)
        .quad(px + side * 24, py - 4, px, py)
        .close();
    }
  drawing.add('path', { d: leaves.d, fill: line });
  drawing.add('path', {
    d: new Path()
      .box(190, 752, 180, 2)
      .box(430, 752, 180, 2)
      .polygon([
        [400, 742],
        [411, 753],
        [400, 764],
        [389, 753],
      ]).d,
    fill: line,
  });
}
