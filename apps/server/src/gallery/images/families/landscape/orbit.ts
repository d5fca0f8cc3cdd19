import { type Colour, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linear, radial } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import { rolling } from './noise.ts';
import { below, fill, type Stage } from './stage.ts';

/** A small sky: planets, a dust lane, orbits drawn thin, and the ground of a moon below. */
export function paintOrbit(stage: Stage): string[] {
  const { drawing, draws, width, height, light, prompt, facts } = stage;
  const hue = draws.pick([215, 250, 285, 320, 190, 20]);
  const night: [Colour, Colour, Colour] = [lch(0.13, 0.035, hue), lch(0.2, 0.06, hue + 20), lch(0.34, 0.09, hue + 45)];
  light.near = lch(0.1, 0.03, hue);
  drawing.add('rect', {
    width,
    height,
    fill: linear(
      drawing,
      [
        [0, night[0]],
        [0.62, night[1]],
        [1, night[2]],
      ],
      [0.1, 0, 0.4, 1],
    ),
  });
  dust(stage, hue + 60);
  for (const [r, count] of [
    [1, 130],
    [1.7, 60],
    [2.8, 16],
  ] as const) {
    const path = new Path();
    for (let i = 0; i < count; i++) path.circle(draws.next() * width, draws.next() * height, r);
    fill(stage, path, lch(0.97, 0.02, 90), { 'fill-opacity': 0.4 + r * 0.2 });
  }
  const x = width * between(0.3, 0.7, draws.next());
  const y = height * between(0.34, 0.5, draws.next());
  const r = between(120, 215, draws.next());
  const rings = new Path();
  for (let i = 0; i < 3; i++) {
    const wide = r * (1.75 + i * 0.62);
    rings
      .to(x - wide, y)
      .arc(wide, wide * 0.34, x + wide, y, 1)
      .arc(wide, wide * 0.34, x - wide, y, 1);
  }
  const tilt = draws.whole(-24, 24);
  const turnedAround = `rotate(${tilt} ${Math.round(x)} ${Math.round(y)})`;
  drawing.add('path', {
    d: rings.d,
    fill: 'none',
    stroke: css(lch(0.85, 0.05, hue + 60)),
    'stroke-width': 1.6,
    'stroke-opacity': 0.4,
    'stroke-dasharray': '2 9',
    transform: turnedAround,
  });
  const own = draws.pick([30, 55, 75, 150, 200, 260, 350]);
  const named: string[] = [];
  const ringed = prompt.has('ring', 'saturn', 'ringed') || draws.chance(0.5);
  const band = (upper: boolean): void => {
    for (const [out, wide, opacity] of [
      [1.55, 16, 0.75],
      [1.78, 26, 0.5],
      [2.02, 8, 0.6],
    ] as const)
      drawing.add('path', {
        d: new Path().to(x - r * out, y).arc(r * out, r * out * 0.26, x + r * out, y, 0, upper ? 1 : 0).d,
        fill: 'none',
        stroke: css(lch(0.84, 0.07, own + 20)),
        'stroke-width': wide,
        'stroke-opacity': opacity,
        transform: turnedAround,
      });
  };
  if (ringed) band(true);
  planet(stage, x, y, r, own);
  if (ringed) {
    band(false);
    named.push('ringed planet');
  } else named.push('banded planet');
  const moons = draws.whole(1, 3);
  for (let i = 0; i < moons; i++) {
    const angle = draws.next() * 6.28;
    const wide = r * (1.75 + i * 0.62);
    const [mx, my] = [Math.cos(angle) * wide, Math.sin(angle) * wide * 0.34];
    const lean = (tilt * Math.PI) / 180;
    planet(
      stage,
      x + mx * Math.cos(lean) - my * Math.sin(lean),
      y + mx * Math.sin(lean) + my * Math.cos(lean),
      between(15, 38, draws.next()),
      own + draws.whole(60, 200),
    );
  }
  named.push(moons > 1 ? 'second moon' : 'small moon');
  for (const text of named) facts.push({ kind: 'thing', text });
  moonGround(stage, hue + 40);
  return named;
}

function planet(stage: Stage, x: number, y: number, r: number, hue: number): void {
  const { drawing, draws } = stage;
  const own = lch(0.72, 0.11, hue);
  const id = drawing.id();
  drawing.within('clipPath', { id }, () => drawing.add('circle', { cx: x, cy: y, r }));
  drawing.add('circle', {
    cx: x,
    cy: y,
    r: r * 1.16,
    fill: radial(drawing, [
      [0.8, lighter(own, 0.1), 0.35],
      [1, own, 0],
    ]),
  });
  drawing.add('circle', { cx: x, cy: y, r, fill: css(own) });
  drawing.within('g', { 'clip-path': `url(#${id})` }, () => {
    let at = y - r;
    while (at < y + r) {
      const tall = r * between(0.06, 0.3, draws.next());
      const sway = r * 0.08;
      const path = new Path()
        .to(x - r, at)
        .cubic(x - r * 0.3, at + sway, x + r * 0.3, at - sway, x + r, at + sway * 0.5);
      path.line(x + r, at + tall).cubic(x + r * 0.3, at + tall - sway, x - r * 0.3, at + tall + sway, x - r, at + tall);
      fill(stage, path.close(), lch(between(0.55, 0.88, draws.next()), 0.1, hue + draws.whole(-24, 24)), {
        'fill-opacity': 0.6,
      });
      at += tall * between(1.1, 1.9, draws.next());
    }
    const shade = radial(
      drawing,
      [
        [0, lch(0.1, 0.03, hue + 180), 0],
        [0.55, lch(0.1, 0.03, hue + 180), 0.08],
        [0.8, lch(0.08, 0.03, hue + 180), 0.62],
        [1, lch(0.06, 0.03, hue + 180), 0.94],
      ],
      0.32,
      0.3,
      0.86,
    );
    drawing.add('circle', { cx: x, cy: y, r: r + 1, fill: shade });
  });
}

function dust(stage: Stage, hue: number): void {
  const { drawing, draws, width, height, facts } = stage;
  const lean = draws.whole(-34, 34);
  const glow = radial(drawing, [
    [0, lch(0.75, 0.1, hue), 0.2],
    [0.5, lch(0.6, 0.1, hue - 30), 0.09],
    [1, lch(0.5, 0.1, hue), 0],
  ]);
  drawing.within('g', { transform: `rotate(${lean} ${width / 2} ${height / 2})` }, () => {
    for (let i = 0; i < 13; i++) {
      const share = i / 12;
      drawing.add('ellipse', {
        cx: width * between(-0.1, 1.1, share),
        cy: height * 0.45 + (draws.next() - 0.5) * 130,
        rx: between(140, 330, draws.next()),
        ry: between(50, 130, draws.next()),
        fill: glow,
      });
    }
  });
  facts.push({ kind: 'thing', text: 'dust lane' });
}

function moonGround(stage: Stage, hue: number): void {
  const { drawing, draws, width, height } = stage;
  for (const [share, light] of [
    [0.82, 0.3],
    [0.92, 0.2],
  ] as const) {
    const line = rolling(draws, width, height * share, 36, { knots: 3, octaves: 3, points: 22 });
    fill(
      stage,
      below(stage, new Path().through(line), line),
      linear(drawing, [
        [0, lch(light + 0.14, 0.05, hue)],
        [1, lch(light - 0.1, 0.04, hue)],
      ]),
    );
  }
  for (let i = 0; i < 7; i++) {
    const depth = draws.next();
    const [x, y, rx] = [draws.next() * width, between(height * 0.91, height * 0.985, depth), between(16, 62, depth)];
    drawing.add('ellipse', { cx: x, cy: y, rx, ry: rx * 0.2, fill: css(lch(0.14, 0.04, hue)) });
    drawing.add('path', {
      d: new Path().to(x - rx, y).arc(rx, rx * 0.2, x + rx, y, 0, 0).d,
      fill: 'none',
      stroke: css(mix(lch(0.5, 0.06, hue), lch(0.8, 0.05, 90), 0.3)),
      'stroke-width': 2.4,
    });
  }
}
