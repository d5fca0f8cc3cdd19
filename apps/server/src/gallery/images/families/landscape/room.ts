import { type Colour, colour, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linear } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import { lexicon } from '../../words/prompt.ts';
import { seen } from './light.ts';
import { rolling } from './noise.ts';
import { fill, type Stage } from './stage.ts';

const furnishings = lexicon({
  chair: 'chair seat',
  plant: 'plant leaf fern pot',
  picture: 'picture frame painting museum gallery',
  door: 'door corridor hall',
});

/** An empty room, a tall window, and the light that falls through it onto the floor. */
export function paintRoom(stage: Stage): string[] {
  const { drawing, draws, width, height, light, prompt, facts } = stage;
  const wallHue = draws.pick([35, 60, 85, 150, 200, 245, 300, 20]);
  const bright = { dawn: 0.62, morning: 0.84, noon: 0.88, golden: 0.66, dusk: 0.42, night: 0.28 }[light.hour];
  const wall = mix(lch(bright, 0.045, wallHue), light.sky[2], 0.2);
  const floor = mix(lch(bright * 0.7, 0.06, 55), light.near, 0.25);
  const line = height * between(0.66, 0.74, draws.next());
  drawing.add('rect', {
    width,
    height: line,
    fill: linear(
      drawing,
      [
        [0, lighter(wall, -0.09)],
        [1, wall],
      ],
      [1, 0, 0, 1],
    ),
  });
  drawing.add('rect', {
    y: line,
    width,
    height: height - line,
    fill: linear(drawing, [
      [0, lighter(floor, -0.05)],
      [1, lighter(floor, -0.15)],
    ]),
  });
  const boards = new Path();
  for (let i = -14; i <= 14; i++) boards.to(width / 2 + i * 62, line).line(width / 2 + i * 152, height);
  drawing.add('path', {
    d: boards.d,
    fill: 'none',
    stroke: css(lighter(floor, -0.2)),
    'stroke-width': 2,
    'stroke-opacity': 0.5,
  });
  drawing.add('rect', { y: line - 26, width, height: 26, fill: css(lighter(wall, 0.06)) });
  drawing.add('rect', { y: line - 2, width, height: 4, fill: css(light.near), 'fill-opacity': 0.3 });

  const left = draws.chance(0.5);
  const w = between(250, 350, draws.next());
  const h = between(370, 440, draws.next());
  const x = left ? width * 0.13 : width * 0.87 - w;
  const y = line - h - between(56, 110, draws.next());
  view(stage, x, y, w, h);
  const frame = new Path()
    .box(x - 12, y - 12, w + 24, 12)
    .box(x - 12, y + h, w + 24, 12)
    .box(x - 12, y, 12, h)
    .box(x + w, y, 12, h)
    .box(x + w / 2 - 5, y, 10, h)
    .box(x, y + h * 0.45, w, 10)
    .box(x - 30, y + h + 12, w + 60, 15);
  fill(stage, frame, lighter(mix(wall, colour('#fffaf0'), 0.55), 0.02));
  fill(stage, new Path().box(x - 30, y + h + 27, w + 60, 8), light.near, { 'fill-opacity': 0.25 });

  // The same panes, laid down on the floor and thrown aside by a low sun.
  const aside = (left ? 1 : -1) * between(230, 420, draws.next());
  const glowTo = height * 0.96;
  const panes = new Path();
  for (const [from, to] of [
    [0, 0.47],
    [0.53, 1],
  ] as const)
    for (const [near, far] of [
      [0, 0.5],
      [0.57, 1],
    ] as const) {
      const at = (across: number, down: number): [number, number] => [
        x + w * across + aside * (0.42 + down * 0.58) + (across - 0.5) * down * 120,
        between(line + 18, glowTo, down),
      ];
      panes.polygon([at(from, near), at(to, near), at(to, far), at(from, far)]);
    }
  const shine = light.hour === 'night' ? mix(light.sun, light.sky[3], 0.5) : mix(light.sun, light.sky[3], 0.25);
  fill(stage, panes, shine, { 'fill-opacity': light.hour === 'night' ? 0.26 : 0.55 });
  fill(
    stage,
    new Path().polygon([
      [x, y + h],
      [x + w, y + h],
      [x + w + aside + 60, glowTo],
      [x + aside - 60, glowTo],
    ]),
    linear(drawing, [
      [0, shine, 0.16],
      [1, shine, 0],
    ]),
  );
  facts.push({ kind: 'thing', text: 'tall window' }, { kind: 'thing', text: 'light on the floor' });

  const wanted = prompt.all(furnishings);
  const pieces =
    wanted.length > 0
      ? wanted.slice(0, 2)
      : draws.shuffled(['chair', 'plant', 'picture'] as const).slice(0, draws.whole(0, 2));
  const side = left ? width * 0.76 : width * 0.24;
  for (const piece of pieces) {
    if (piece === 'chair') chair(stage, side - 30, line + 96, mix(light.near, colour('#8a4b32'), 0.4));
    else if (piece === 'plant') plant(stage, left ? width * 0.93 : width * 0.07, line + 40);
    else if (piece === 'picture') picture(stage, side, y + h * 0.35);
    else door(stage, side, line, wall);
    facts.push({
      kind: 'thing',
      text: piece === 'picture' ? 'framed picture' : piece === 'door' ? 'half-open door' : piece,
    });
  }
  return ['tall window', ...pieces.map((piece) => (piece === 'picture' ? 'framed picture' : piece))];
}

function view(stage: Stage, x: number, y: number, w: number, h: number): void {
  const { drawing, draws, light } = stage;
  const id = drawing.id();
  drawing.within('clipPath', { id }, () => drawing.add('rect', { x, y, width: w, height: h }));
  drawing.within('g', { 'clip-path': `url(#${id})` }, () => {
    drawing.add('rect', {
      x,
      y,
      width: w,
      height: h,
      fill: linear(drawing, [
        [0, light.sky[0]],
        [0.4, light.sky[1]],
        [0.7, light.sky[2]],
        [1, light.sky[3]],
      ]),
    });
    drawing.add('circle', {
      cx: x + w * between(0.2, 0.8, draws.next()),
      cy: y + h * between(0.25, 0.6, draws.next()),
      r: 24,
      fill: css(light.sun),
    });
    for (const [share, distance] of [
      [0.72, 0.7],
      [0.82, 0.45],
      [0.93, 0.2],
    ] as const) {
      const line = rolling(draws, w + 40, y + h * share, 26, { knots: 2, octaves: 2, points: 8 }).map(
        ([px, py]): [number, number] => [px + x - 20, py],
      );
      const path = new Path().through(line);
      fill(
        stage,
        path
          .line(x + w + 20, y + h + 5)
          .line(x - 20, y + h + 5)
          .close(),
        seen(light, colour('#4f7a6a'), distance),
      );
    }
  });
}

function chair(stage: Stage, x: number, y: number, ink: Colour): void {
  fill(
    stage,
    new Path().polygon([
      [x - 80, y + 6],
      [x + 96, y + 6],
      [x + 190, y + 26],
      [x - 20, y + 30],
    ]),
    stage.light.near,
    { 'fill-opacity': 0.28 },
  );
  fill(
    stage,
    new Path()
      .box(x - 66, y - 230, 13, 236)
      .box(x + 54, y - 116, 12, 122)
      .box(x - 66, y - 116, 132, 15)
      .box(x - 66, y - 230, 20, 13)
      .box(x - 36, y - 112, 10, 96)
      .box(x + 28, y - 112, 10, 100),
    ink,
  );
  fill(
    stage,
    new Path().polygon([
      [x - 54, y - 224],
      [x - 30, y - 216],
      [x - 30, y - 120],
      [x - 54, y - 116],
    ]),
    lighter(ink, 0.08),
  );
}

function plant(stage: Stage, x: number, y: number): void {
  const { draws, drawing, light } = stage;
  const leaf = mix(colour('#3f7a52'), light.near, 0.5 - light.local * 0.4);
  for (let i = 0; i < 9; i++) {
    const lean = (i - 4) * 30 + (draws.next() - 0.5) * 22;
    const tall = between(130, 240, draws.next());
    const [tx, ty] = [x + lean * 1.5, y - 60 - tall];
    fill(
      stage,
      new Path()
        .to(x, y - 50)
        .quad(x + lean * 0.2 - 24, y - 60 - tall * 0.7, tx, ty)
        .quad(x + lean * 0.7 + 24, y - 60 - tall * 0.5, x, y - 50)
        .close(),
      lighter(leaf, (draws.next() - 0.5) * 0.14),
    );
  }
  fill(
    stage,
    new Path().polygon([
      [x - 46, y - 64],
      [x + 46, y - 64],
      [x + 34, y + 24],
      [x - 34, y + 24],
    ]),
    mix(colour('#b8653a'), light.near, 0.4 - light.local * 0.3),
  );
  drawing.add('rect', {
    x: x - 52,
    y: y - 76,
    width: 104,
    height: 18,
    fill: css(mix(colour('#c9764a'), light.near, 0.4 - light.local * 0.3)),
  });
}

function picture(stage: Stage, x: number, y: number): void {
  const { drawing, draws, light } = stage;
  drawing.add('rect', { x: x - 92, y: y - 112, width: 184, height: 228, fill: css(light.near), 'fill-opacity': 0.2 });
  drawing.add('rect', {
    x: x - 96,
    y: y - 118,
    width: 184,
    height: 228,
    fill: css(mix(light.near, colour('#6b4a30'), 0.5)),
  });
  drawing.add('rect', {
    x: x - 84,
    y: y - 106,
    width: 160,
    height: 204,
    fill: css(mix(colour('#f4ead6'), light.near, 0.3 - light.local * 0.2)),
  });
  const hue = draws.whole(0, 359);
  drawing.add('circle', { cx: x - 4, cy: y - 20, r: 44, fill: css(lch(0.62, 0.13, hue)) });
  drawing.add('path', {
    d: new Path().polygon([
      [x - 60, y + 74],
      [x - 8, y - 10],
      [x + 52, y + 74],
    ]).d,
    fill: css(lch(0.42, 0.1, hue + 150)),
    'fill-opacity': 0.9,
  });
}

function door(stage: Stage, x: number, line: number, wall: Colour): void {
  const { drawing, light } = stage;
  drawing.add('rect', {
    x: x - 90,
    y: line - 400,
    width: 180,
    height: 400,
    fill: css(mix(light.sun, light.sky[3], 0.35)),
  });
  drawing.add('path', {
    d: new Path().polygon([
      [x - 90, line - 400],
      [x + 20, line - 376],
      [x + 20, line + 26],
      [x - 90, line],
    ]).d,
    fill: css(lighter(wall, -0.12)),
  });
  drawing.add('circle', { cx: x + 4, cy: line - 180, r: 8, fill: css(light.near) });
}
