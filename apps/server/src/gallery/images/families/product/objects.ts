import { type Colour, colour, lch, lighter, mix } from '../../drawing/colour.ts';
import { Path } from '../../drawing/path.ts';
import { lexicon } from '../../words/prompt.ts';
import type { Bench } from './solids.ts';

export type Thing =
  | 'mug'
  | 'kettle'
  | 'lamp'
  | 'bottle'
  | 'vase'
  | 'radio'
  | 'clock'
  | 'mallet'
  | 'level'
  | 'comb'
  | 'stool'
  | 'torch'
  | 'notebook'
  | 'jar'
  | 'pan'
  | 'bell';
export const objects = lexicon<Thing>({
  mug: 'mug cup teacup beaker',
  kettle: 'kettle teapot pot',
  lamp: 'lamp light lantern',
  bottle: 'bottle flask carafe oil',
  vase: 'vase urn amphora pitcher jug',
  radio: 'radio speaker wireless amplifier',
  clock: 'clock watch timer alarm',
  mallet: 'mallet hammer quiet_mallet gavel axe',
  level: 'level spirit_level left-handed ruler gauge',
  comb: 'comb cord_comb brush rake',
  stool: 'stool chair bench seat table',
  torch: 'torch flashlight candle',
  notebook: 'notebook book diary ledger manual',
  jar: 'jar tin can pot_of_jam honey pickle',
  pan: 'pan skillet wok brass_pan saucepan',
  bell: 'bell chime gong',
});

export type Material = 'wood' | 'brass' | 'steel' | 'ceramic' | 'glass' | 'felt' | 'cork';
export const materials = lexicon<Material>({
  wood: 'wood wooden oak ash beech walnut pine',
  brass: 'brass copper gold bronze',
  steel: 'steel iron metal chrome tin silver',
  ceramic: 'ceramic clay porcelain stoneware enamel glazed',
  glass: 'glass crystal',
  felt: 'felt wool cloth linen soft quiet',
  cork: 'cork rubber paper',
});
export const materialColours: Readonly<Record<Material, readonly string[]>> = {
  wood: ['#b9824f', '#8a5a3a', '#d0a36c'],
  brass: ['#c9983f', '#b9793a', '#d8b05a'],
  steel: ['#9aa7b3', '#7d8b99', '#b7c0c7'],
  ceramic: ['#e9dfcd', '#7fa6a0', '#c9684a', '#3f6f8f'],
  glass: ['#9cc7c2', '#8fb5cf', '#c8b27a'],
  felt: ['#8a6f9f', '#5f8f7a', '#b9655f'],
  cork: ['#c49a6c', '#a97d52', '#d8b98c'],
};

/** What a thing is painted with: its own stuff, a second one for handles and bands, and the dark of the room. */
type Stuff = { body: Colour; trim: Colour; dark: Colour };
type Maker = (bench: Bench, stuff: Stuff) => void;

/** All stand on (500, 600) and are about 300 to 420 tall. */
const [x, y] = [500, 600];

export const makers: Readonly<Record<Thing, Maker>> = {
  mug(bench, { body, trim }) {
    bench.tube(new Path().to(x + 110, y - 210).cubic(x + 240, y - 230, x + 240, y - 50, x + 100, y - 62), 34, body);
    bench.drum(x, y - 6, 118, 130, 270, body, true);
    bench.drum(x, y - 40, 121, 122.5, 34, trim);
    bench.flat(new Path().box(x - 1, y - 1, 2, 2), trim);
  },
  kettle(bench, { body, trim, dark }) {
    bench.tube(new Path().to(x - 118, y - 236).cubic(x - 110, y - 400, x + 110, y - 400, x + 118, y - 236), 22, trim);
    bench.flat(
      new Path()
        .to(x + 110, y - 90)
        .quad(x + 190, y - 130, x + 204, y - 236)
        .line(x + 246, y - 246)
        .quad(x + 244, y - 80, x + 120, y - 20)
        .close(),
      lighter(body, -0.07),
    );
    bench.turned(
      x,
      y,
      [
        [128, 0],
        [168, 60],
        [160, 150],
        [116, 224],
        [70, 246],
      ],
      body,
    );
    bench.turned(
      x,
      y - 238,
      [
        [76, 0],
        [64, 22],
        [24, 36],
      ],
      lighter(body, 0.05),
    );
    bench.sphere(x, y - 288, 20, trim);
    bench.flat(
      new Path()
        .to(x - 128, y)
        .arc(128, 26, x + 128, y, 0, 0)
        .line(x + 120, y + 12)
        .arc(120, 24, x - 120, y + 12, 0, 1)
        .close(),
      dark,
      0.5,
    );
  },
  lamp(bench, { body, trim }) {
    bench.drum(x - 30, y, 108, 96, 26, trim);
    bench.tube(
      new Path()
        .to(x - 30, y - 30)
        .line(x - 30, y - 170)
        .line(x + 70, y - 330),
      16,
      trim,
    );
    bench.sphere(x - 30, y - 172, 17, lighter(trim, 0.05));
    bench.flat(
      new Path().polygon([
        [x + 22, y - 262],
        [x - 176, y - 4],
        [x + 120, y + 6],
        [x + 152, y - 200],
      ]),
      lch(0.93, 0.1, 92),
      0.3,
    );
    bench.drawing.within('g', { transform: `rotate(28 ${x + 78} ${y - 300})` }, () => {
      bench.drum(x + 78, y - 222, 112, 42, 124, body);
      bench.drum(x + 78, y - 344, 30, 22, 30, trim);
    });
    bench.sphere(x + 48, y - 224, 34, lch(0.95, 0.09, 92));
  },
  bottle(bench, { body, trim }) {
    bench.turned(
      x,
      y,
      [
        [84, 0],
        [92, 20],
        [92, 190],
        [72, 240],
        [34, 276],
        [30, 350],
      ],
      body,
    );
    bench.drum(x, y - 344, 36, 34, 46, trim);
    bench.flat(new Path().box(x - 78, y - 176, 156, 104), mix(lch(0.96, 0.02, 85), body, 0.06));
    bench.flat(
      new Path()
        .box(x - 52, y - 146, 104, 8)
        .box(x - 38, y - 126, 76, 6)
        .box(x - 30, y - 104, 60, 6),
      lighter(body, -0.2),
    );
    bench.flat(new Path().box(x - 70, y - 232, 12, 210), lch(0.99, 0, 0), 0.28);
  },
  vase(bench, { body, trim }) {
    for (const [lean, tall] of [
      [-90, 130],
      [0, 170],
      [84, 120],
    ] as const) {
      bench.tube(
        new Path().to(x, y - 250).quad(x + lean * 0.2, y - 300, x + lean, y - 250 - tall),
        9,
        colour('#5f8f5a'),
      );
      for (let i = 0; i < 6; i++)
        bench.sphere(x + lean + Math.cos(i * 1.047) * 22, y - 250 - tall + Math.sin(i * 1.047) * 22, 18, trim);
      bench.sphere(x + lean, y - 250 - tall, 15, lch(0.85, 0.13, 88));
    }
    bench.turned(
      x,
      y,
      [
        [66, 0],
        [124, 70],
        [126, 130],
        [64, 218],
        [56, 248],
        [82, 274],
      ],
      body,
    );
    bench.flat(
      new Path()
        .to(x - 82, y - 274)
        .arc(82, 14, x + 82, y - 274, 0, 0)
        .arc(82, 14, x - 82, y - 274, 0, 0)
        .close(),
      lighter(body, -0.22),
    );
    for (const up of [76, 92, 108])
      bench.flat(
        new Path()
          .to(x - 127, y - up)
          .arc(127, 25, x + 127, y - up, 0, 0)
          .line(x + 127, y - up - 5)
          .arc(127, 25, x - 127, y - up - 5, 0, 1)
          .close(),
        trim,
        0.75,
      );
  },
  radio(bench, { body, trim, dark }) {
    bench.tube(new Path().to(x + 120, y - 250).line(x + 196, y - 410), 7, lch(0.75, 0.01, 250));
    bench.box(x - 210, y, 390, 240, 44, body, 14);
    bench.sphere(x - 100, y - 120, 92, lighter(dark, 0.06));
    for (let i = 0; i < 37; i++) {
      const [row, column] = [Math.floor(i / 7), i % 7];
      bench.flat(new Path().circle(x - 160 + column * 20, y - 172 + row * 20, 5), mix(dark, body, 0.25), 0.9);
    }
    bench.flat(new Path().box(x + 20, y - 200, 136, 52), lch(0.94, 0.05, 92));
    bench.flat(new Path().box(x + 104, y - 200, 5, 52), lch(0.6, 0.2, 28));
    for (let i = 0; i < 9; i++) bench.flat(new Path().box(x + 30 + i * 14, y - 192, 2, i % 2 === 0 ? 16 : 10), dark);
    bench.sphere(x + 52, y - 74, 34, trim);
    bench.sphere(x + 130, y - 74, 24, trim);
    bench.flat(new Path().box(x + 50, y - 104, 4, 22), dark);
  },
  clock(bench, { body, trim, dark }) {
    for (const side of [-1, 1]) {
      bench.tube(new Path().to(x + side * 70, y - 30).line(x + side * 104, y - 2), 18, trim);
      bench.sphere(x + side * 84, y - 306, 48, trim);
    }
    bench.sphere(x, y - 160, 164, body);
    bench.flat(new Path().circle(x, y - 160, 134), lch(0.97, 0.02, 88));
    for (let i = 0; i < 12; i++) {
      const angle = (i * Math.PI) / 6;
      bench.flat(
        new Path().circle(x + Math.sin(angle) * 112, y - 160 - Math.cos(angle) * 112, i % 3 === 0 ? 8 : 4.5),
        dark,
      );
    }
    bench.tube(new Path().to(x, y - 160).line(x - 46, y - 206), 12, dark);
    bench.tube(new Path().to(x, y - 160).line(x + 62, y - 224), 9, dark);
    bench.tube(new Path().to(x, y - 160).line(x + 14, y - 66), 4, lch(0.6, 0.2, 28));
    bench.sphere(x, y - 160, 11, trim);
  },
  mallet(bench, { body, trim, dark }) {
    bench.drawing.within('g', { transform: `rotate(24 ${x} ${y - 180})` }, () => {
      bench.box(x - 17, y + 10, 34, 300, 10, trim, 12);
      bench.box(x - 150, y - 236, 300, 132, 40, body, 18);
      bench.flat(new Path().box(x - 150, y - 368, 40, 132).box(x + 110, y - 368, 40, 132), lighter(body, -0.13), 0.8);
      bench.flat(
        new Path()
          .box(x - 20, y - 40, 40, 8)
          .box(x - 20, y - 60, 40, 8)
          .box(x - 20, y - 80, 40, 8),
        dark,
        0.5,
      );
    });
  },
  level(bench, { body, trim, dark }) {
    bench.drawing.within('g', { transform: `rotate(-9 ${x} ${y - 130})` }, () => {
      bench.box(x - 290, y - 70, 560, 116, 30, body, 10);
      bench.flat(new Path().box(x - 290, y - 92, 560, 22), lighter(body, -0.16), 0.7);
      bench.flat(new Path().box(x - 82, y - 172, 164, 56), lighter(dark, 0.05));
      bench.flat(new Path().box(x - 72, y - 164, 144, 40), lch(0.85, 0.16, 125));
      bench.flat(
        new Path()
          .to(x - 14, y - 158)
          .quad(x + 12, y - 166, x + 38, y - 158)
          .quad(x + 42, y - 148, x + 34, y - 140)
          .line(x - 10, y - 140)
          .quad(x - 20, y - 148, x - 14, y - 158)
          .close(),
        lch(0.97, 0.05, 120),
        0.9,
      );
      bench.flat(new Path().box(x - 24, y - 166, 4, 44).box(x + 44, y - 166, 4, 44), dark);
      for (const side of [-216, 196]) {
        bench.sphere(x + side, y - 128, 34, trim);
        bench.flat(new Path().circle(x + side, y - 128, 21), lch(0.85, 0.16, 125));
        bench.flat(new Path().circle(x + side + 3, y - 132, 9), lch(0.97, 0.05, 120));
      }
    });
  },
  comb(bench, { body, trim }) {
    bench.drawing.within('g', { transform: `rotate(-16 ${x} ${y - 160})` }, () => {
      const teeth = new Path();
      for (let i = 0; i < 17; i++) teeth.box(x - 236 + i * 28.4, y - 190, 15, i === 0 || i === 16 ? 170 : 150);
      bench.flat(teeth, lighter(body, -0.07));
      bench.box(x - 250, y - 176, 500, 96, 22, body, 24);
      bench.sphere(x + 204, y - 226, 17, lighter(body, -0.24));
      bench.tube(new Path().to(x + 204, y - 228).cubic(x + 290, y - 330, x + 330, y - 190, x + 260, y - 150), 9, trim);
      bench.flat(new Path().box(x - 220, y - 236, 180, 10), trim, 0.7);
    });
  },
  stool(bench, { body, trim }) {
    for (const [from, to] of [
      [-86, -142],
      [86, 142],
    ] as const)
      bench.tube(new Path().to(x + from, y - 270).line(x + to, y - 6), 26, trim);
    bench.tube(new Path().to(x - 112, y - 110).line(x + 112, y - 110), 16, lighter(trim, -0.05));
    bench.tube(new Path().to(x - 24, y - 270).line(x - 46, y + 12), 26, trim);
    bench.tube(new Path().to(x + 24, y - 270).line(x + 46, y + 12), 26, trim);
    bench.drum(x, y - 268, 158, 164, 44, body);
  },
  torch(bench, { body, trim, dark }) {
    bench.drawing.within('g', { transform: `rotate(38 ${x} ${y - 180})` }, () => {
      bench.flat(
        new Path().polygon([
          [x - 84, y - 356],
          [x + 84, y - 356],
          [x + 250, y - 640],
          [x - 250, y - 640],
        ]),
        lch(0.95, 0.1, 95),
        0.4,
      );
      bench.drum(x, y, 54, 54, 230, body);
      bench.drum(x, y - 226, 56, 90, 100, trim);
      bench.flat(
        new Path()
          .to(x - 90, y - 326)
          .arc(90, 18, x + 90, y - 326, 0, 0)
          .arc(90, 18, x - 90, y - 326, 0, 0)
          .close(),
        lch(0.97, 0.06, 95),
      );
      bench.flat(new Path().box(x - 15, y - 160, 30, 60), dark);
      bench.flat(new Path().box(x - 9, y - 152, 18, 24), lch(0.6, 0.2, 28));
      for (const up of [20, 36, 52]) bench.flat(new Path().box(x - 54, y - up, 108, 5), dark, 0.35);
    });
  },
  notebook(bench, { body, trim, dark }) {
    bench.drawing.within('g', { transform: `rotate(-7 ${x} ${y - 180})` }, () => {
      bench.box(x - 150, y + 4, 290, 370, 34, lch(0.95, 0.02, 88));
      bench.box(x - 156, y + 2, 296, 376, 10, body, 12);
      bench.flat(new Path().box(x - 156, y - 374, 44, 376), lighter(body, -0.12));
      bench.flat(new Path().box(x + 84, y - 380, 17, 388), trim);
      bench.flat(new Path().box(x - 84, y - 300, 140, 84), lch(0.96, 0.02, 88));
      bench.flat(
        new Path()
          .box(x - 66, y - 276, 104, 7)
          .box(x - 66, y - 256, 80, 7)
          .box(x - 66, y - 236, 92, 7),
        dark,
        0.7,
      );
    });
  },
  jar(bench, { body, trim, dark }) {
    bench.turned(
      x,
      y,
      [
        [124, 0],
        [134, 24],
        [134, 210],
        [112, 250],
      ],
      mix(body, lch(0.95, 0.02, 200), 0.25),
    );
    bench.drum(x, y - 244, 116, 116, 56, trim);
    bench.flat(new Path().box(x - 112, y - 186, 224, 124), lch(0.96, 0.02, 85));
    bench.flat(new Path().circle(x, y - 134, 30), body);
    bench.flat(new Path().box(x - 60, y - 90, 120, 8), dark, 0.7);
    bench.flat(new Path().box(x - 118, y - 214, 12, 190), lch(0.99, 0, 0), 0.35);
  },
  pan(bench, { body, trim, dark }) {
    bench.box(x + 150, y - 112, 270, 30, 8, trim, 14);
    bench.flat(new Path().circle(x + 398, y - 128, 8), dark);
    bench.drum(x - 20, y - 30, 150, 190, 110, body, true);
    bench.drawing.add('ellipse', { cx: x - 20, cy: y - 134, rx: 158, ry: 27, fill: bench.down(lighter(body, -0.12)) });
    bench.flat(
      new Path()
        .to(x - 100, y - 140)
        .quad(x - 40, y - 158, x + 20, y - 142)
        .quad(x + 70, y - 128, x + 10, y - 122)
        .quad(x - 90, y - 118, x - 100, y - 140)
        .close(),
      lch(0.97, 0.02, 90),
    );
    bench.sphere(x - 30, y - 138, 18, lch(0.83, 0.15, 82));
  },
  bell(bench, { body, trim, dark }) {
    bench.tube(new Path().to(x, y - 300).line(x, y - 350), 20, trim);
    bench.sphere(x, y - 366, 28, trim);
    bench.turned(
      x,
      y - 40,
      [
        [176, 0],
        [150, 26],
        [124, 90],
        [112, 180],
        [70, 244],
        [26, 262],
      ],
      body,
    );
    bench.flat(
      new Path()
        .to(x - 176, y - 40)
        .arc(176, 35, x + 176, y - 40, 0, 0)
        .arc(176, 22, x - 176, y - 40, 0, 0)
        .close(),
      mix(dark, body, 0.3),
    );
    bench.sphere(x, y - 12, 24, lighter(trim, -0.05));
    for (const up of [96, 112])
      bench.flat(
        new Path()
          .to(x - 124, y - up)
          .arc(124, 25, x + 124, y - up, 0, 0)
          .line(x + 123, y - up - 6)
          .arc(124, 25, x - 123, y - up - 6, 0, 1)
          .close(),
        trim,
        0.7,
      );
  },
};
