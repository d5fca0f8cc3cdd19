import type { Draws } from '#gallery/model';
import { between } from '../../drawing/numbers.ts';

/** What a cell of a sprite is made of; the painter gives each a colour. */
export const cellKinds = [
  'none',
  'body',
  'light',
  'shade',
  'mark',
  'accent',
  'eye',
  'glint',
  'outline',
  'stem',
  'leaf',
  'pot',
] as const;
export type Cell = (typeof cellKinds)[number];

/** A square of cells, 8 to 32 each way. */
export class Sprite {
  readonly side: number;
  readonly #cells: Cell[];

  constructor(side: number, cells: readonly Cell[] = Array.from({ length: side * side }, (): Cell => 'none')) {
    this.side = side;
    this.#cells = [...cells];
  }

  at(x: number, y: number): Cell {
    return x < 0 || y < 0 || x >= this.side || y >= this.side ? 'none' : (this.#cells[y * this.side + x] ?? 'none');
  }

  set(x: number, y: number, cell: Cell): void {
    if (x >= 0 && y >= 0 && x < this.side && y < this.side)
      this.#cells[Math.floor(y) * this.side + Math.floor(x)] = cell;
  }

  /** The same on the other side of the middle. */
  both(x: number, y: number, cell: Cell): void {
    this.set(x, y, cell);
    this.set(this.side - 1 - x, y, cell);
  }

  ellipse(cx: number, cy: number, rx: number, ry: number, cell: Cell): void {
    for (let y = Math.floor(cy - ry); y <= cy + ry; y++)
      for (let x = Math.floor(cx - rx); x <= cx + rx; x++)
        if (((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2 <= 1) this.set(x, y, cell);
  }

  rect(x: number, y: number, w: number, h: number, cell: Cell): void {
    for (let row = 0; row < h; row++)
      for (let column = 0; column < w; column++) this.set(Math.floor(x) + column, Math.floor(y) + row, cell);
  }

  line(x1: number, y1: number, x2: number, y2: number, cell: Cell): void {
    const steps = Math.max(Math.abs(x2 - x1), Math.abs(y2 - y1), 1);
    for (let i = 0; i <= steps; i++)
      this.set(Math.round(between(x1, x2, i / steps)), Math.round(between(y1, y2, i / steps)), cell);
  }

  /** Light from the upper left on everything round, then a dark line around it all. */
  finish(): Sprite {
    const done = new Sprite(this.side, this.#cells);
    for (let y = 0; y < this.side; y++)
      for (let x = 0; x < this.side; x++) {
        const here = this.at(x, y);
        if (here === 'body') {
          const open = (dx: number, dy: number): boolean => this.at(x + dx, y + dy) === 'none';
          if (open(1, 0) || open(0, 1) || open(1, 1) || (open(2, 1) && open(2, 0)) || open(0, 2))
            done.set(x, y, 'shade');
          else if (open(-1, 0) || open(0, -1) || open(-1, -1)) done.set(x, y, 'light');
        }
        if (
          here === 'none' &&
          [
            [1, 0],
            [-1, 0],
            [0, 1],
            [0, -1],
          ].some(([dx, dy]) => this.at(x + (dx ?? 0), y + (dy ?? 0)) !== 'none')
        )
          done.set(x, y, 'outline');
      }
    return done;
  }

  /** Moved by whole cells. */
  moved(dx: number, dy: number): Sprite {
    const to = new Sprite(this.side);
    for (let y = 0; y < this.side; y++) for (let x = 0; x < this.side; x++) to.set(x + dx, y + dy, this.at(x, y));
    return to;
  }

  /** Flattened as in a landing: every row once, but one. */
  squashed(): Sprite {
    const to = new Sprite(this.side);
    const low = this.lowest;
    const cut = Math.floor(low * 0.45);
    for (let y = 0; y < this.side; y++)
      for (let x = 0; x < this.side; x++) if (y !== cut) to.set(x, y < cut ? y + 1 : y, this.at(x, y));
    return to;
  }

  blinking(): Sprite {
    return new Sprite(
      this.side,
      this.#cells.map((cell) => (cell === 'eye' || cell === 'glint' ? 'shade' : cell)),
    );
  }

  /** The lowest row that has anything in it. */
  get lowest(): number {
    return Math.floor(this.#cells.findLastIndex((cell) => cell !== 'none') / this.side);
  }
}

export type Creature =
  | 'sprite'
  | 'ox'
  | 'knight'
  | 'spore'
  | 'cat'
  | 'bird'
  | 'fish'
  | 'ghost'
  | 'slime'
  | 'robot'
  | 'fern'
  | 'mushroom'
  | 'cactus'
  | 'flower'
  | 'sprout';

/** Draws one: `s` is the side, everything hangs on shares of it, and chance makes brothers and sisters. */
type Maker = (sprite: Sprite, s: number, draws: Draws) => void;

const eyes = (sprite: Sprite, y: number, apart: number, tall: number): void => {
  const m = sprite.side / 2;
  const x = Math.floor(m - apart);
  for (let i = 0; i < tall; i++) sprite.both(x, Math.floor(y) + i, 'eye');
  if (tall > 1) {
    sprite.set(x, Math.floor(y), 'glint');
    sprite.set(sprite.side - 1 - x, Math.floor(y), 'glint');
  }
};
const feet = (sprite: Sprite, y: number, apart: number, wide: number, tall: number): void => {
  const m = sprite.side / 2;
  for (let row = 0; row < tall; row++)
    for (let i = 0; i < wide; i++)
      sprite.both(Math.floor(m - apart) + i, Math.floor(y) + row, row === tall - 1 ? 'mark' : 'body');
};

export const makers: Readonly<Record<Creature, Maker>> = {
  sprite(sprite, s, draws) {
    const m = s / 2;
    const r = s * between(0.24, 0.3, draws.next());
    sprite.ellipse(m, s * 0.62, r * 0.9, s * 0.2, 'body');
    sprite.ellipse(m, s * 0.46, r, r * 0.92, 'body');
    sprite.ellipse(m, s * 0.66, r * 0.5, s * 0.12, 'mark');
    for (let i = 0; i < s * 0.2; i++)
      sprite.both(Math.floor(m - 1 - i * 0.4), Math.floor(s * 0.24 - i * 0.3), i > s * 0.13 ? 'accent' : 'leaf');
    feet(sprite, s * 0.8, s * 0.16, Math.max(2, Math.floor(s * 0.12)), 2);
    eyes(sprite, s * 0.44, s * 0.13, Math.max(2, Math.round(s * 0.1)));
    sprite.both(Math.floor(m - s * 0.18), Math.floor(s * 0.55), 'accent');
  },
  ox(sprite, s, draws) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.6, s * 0.34, s * 0.22, 'body');
    sprite.ellipse(m, s * 0.5, s * 0.24, s * 0.2, 'body');
    feet(sprite, s * 0.76, s * 0.3, Math.max(2, Math.floor(s * 0.12)), Math.max(2, Math.floor(s * 0.11)));
    feet(sprite, s * 0.78, s * 0.14, Math.max(2, Math.floor(s * 0.1)), Math.max(2, Math.floor(s * 0.09)));
    const long = Math.floor(s * between(0.12, 0.2, draws.next()));
    for (let i = 0; i < long; i++)
      sprite.both(Math.floor(m - s * 0.2 - i * 0.8), Math.floor(s * 0.36 - i * (i > long / 2 ? 0.9 : 0.3)), 'accent');
    sprite.ellipse(m, s * 0.59, s * 0.15, s * 0.09, 'mark');
    sprite.both(Math.floor(m - s * 0.06), Math.floor(s * 0.59), 'eye');
    eyes(sprite, s * 0.44, s * 0.15, Math.max(1, Math.round(s * 0.08)));
    for (let i = 0; i < s * 0.4; i++)
      sprite.set(Math.floor(m - s * 0.2 + i), Math.floor(s * 0.31 + (i % 3 === 0 ? 1 : 0)), 'leaf');
  },
  knight(sprite, s, draws) {
    const m = s / 2;
    sprite.rect(m - s * 0.2, s * 0.5, s * 0.4, s * 0.3, 'body');
    sprite.ellipse(m, s * 0.36, s * 0.22, s * 0.2, 'body');
    sprite.rect(m - s * 0.17, s * 0.36, s * 0.34, Math.max(2, s * 0.09), 'eye');
    sprite.both(Math.floor(m - s * 0.1), Math.floor(s * 0.38), 'glint');
    for (let i = 0; i < s * 0.16; i++)
      sprite.line(m - 1, s * 0.17 - i * 0.2, m + s * 0.16, s * 0.08 + i * 0.5, 'accent');
    sprite.rect(m - s * 0.07, s * 0.52, s * 0.14, s * 0.24, 'mark');
    feet(sprite, s * 0.8, s * 0.17, Math.max(2, Math.floor(s * 0.13)), Math.max(2, Math.floor(s * 0.08)));
    sprite.line(s * 0.84, s * 0.24, s * 0.84, s * 0.72, 'glint');
    sprite.line(s * 0.78, s * 0.62, s * 0.9, s * 0.62, 'accent');
    sprite.ellipse(s * 0.2, s * 0.6, s * 0.13, s * 0.16, draws.chance(0.5) ? 'leaf' : 'accent');
    sprite.ellipse(s * 0.2, s * 0.6, s * 0.06, s * 0.08, 'mark');
  },
  spore(sprite, s, draws) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.58, s * 0.32, s * 0.28, 'body');
    sprite.ellipse(m, s * 0.7, s * 0.2, s * 0.1, 'mark');
    for (let i = 0; i < 5; i++)
      sprite.both(Math.floor(m - draws.next() * s * 0.26), Math.floor(s * between(0.36, 0.52, draws.next())), 'accent');
    // Asleep: two low lines for eyes.
    for (let i = 0; i < Math.max(2, s * 0.12); i++)
      sprite.both(Math.floor(m - s * 0.2 + i), Math.floor(s * 0.58), 'eye');
    sprite.line(m, s * 0.3, m - 1, s * 0.16, 'stem');
    sprite.ellipse(m + s * 0.05, s * 0.15, s * 0.1, s * 0.05, 'leaf');
  },
  cat(sprite, s) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.68, s * 0.24, s * 0.2, 'body');
    sprite.ellipse(m, s * 0.42, s * 0.27, s * 0.2, 'body');
    for (let i = 0; i < s * 0.14; i++)
      for (let k = 0; k <= i; k++)
        sprite.both(Math.floor(m - s * 0.26 + k * 0.9), Math.floor(s * 0.17 + i), k === i - 1 ? 'accent' : 'body');
    sprite.line(s * 0.76, s * 0.74, s * 0.88, s * 0.56, 'body');
    sprite.line(s * 0.77, s * 0.75, s * 0.9, s * 0.56, 'body');
    eyes(sprite, s * 0.4, s * 0.15, Math.max(2, Math.round(s * 0.1)));
    sprite.both(Math.floor(m - 0.6), Math.floor(s * 0.5), 'accent');
    sprite.ellipse(m, s * 0.72, s * 0.11, s * 0.12, 'mark');
    feet(sprite, s * 0.84, s * 0.16, Math.max(2, Math.floor(s * 0.11)), 2);
  },
  bird(sprite, s, draws) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.52, s * 0.28, s * 0.3, 'body');
    sprite.ellipse(m, s * 0.64, s * 0.17, s * 0.16, 'mark');
    eyes(sprite, s * 0.38, s * 0.12, Math.max(2, Math.round(s * 0.09)));
    sprite.ellipse(m, s * 0.5, s * 0.07, s * 0.05, 'accent');
    for (let i = 0; i < s * 0.2; i++)
      sprite.both(Math.floor(m - s * 0.29 - (i % 3)), Math.floor(s * 0.46 + i), i % 3 === 2 ? 'leaf' : 'body');
    for (let i = 0; i < 3; i++)
      sprite.both(Math.floor(m - 1 - i), Math.floor(s * 0.2 - (draws.chance(0.5) ? 1 : 2) + i), 'leaf');
    for (let i = 0; i < Math.max(2, s * 0.08); i++)
      sprite.both(Math.floor(m - s * 0.1), Math.floor(s * 0.82 + i), 'accent');
  },
  fish(sprite, s, draws) {
    sprite.ellipse(s * 0.46, s * 0.52, s * 0.3, s * 0.2, 'body');
    for (let i = 0; i < s * 0.18; i++)
      sprite.line(s * 0.74 + i * 0.8, s * 0.52 - i, s * 0.74 + i * 0.8, s * 0.52 + i, i > s * 0.11 ? 'accent' : 'body');
    sprite.ellipse(s * 0.46, s * 0.3, s * 0.13, s * 0.06, 'leaf');
    const bands = draws.whole(1, 3);
    for (let i = 0; i < bands; i++) sprite.line(s * (0.46 + i * 0.1), s * 0.4, s * (0.46 + i * 0.1), s * 0.64, 'mark');
    sprite.set(Math.floor(s * 0.28), Math.floor(s * 0.47), 'eye');
    sprite.set(Math.floor(s * 0.28), Math.floor(s * 0.47) + 1, 'eye');
    sprite.ellipse(s * 0.46, s * 0.6, s * 0.08, s * 0.05, 'accent');
    for (const [x, y] of [
      [0.12, 0.34],
      [0.08, 0.22],
      [0.15, 0.14],
    ] as const)
      sprite.set(Math.floor(s * x), Math.floor(s * y), 'glint');
  },
  ghost(sprite, s) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.42, s * 0.28, s * 0.26, 'body');
    sprite.rect(m - s * 0.28, s * 0.42, s * 0.56, s * 0.32, 'body');
    for (let i = 0; i < s * 0.56; i++) if (i % 4 < 2) sprite.rect(m - s * 0.28 + i, s * 0.74, 1, s * 0.08, 'body');
    eyes(sprite, s * 0.38, s * 0.14, Math.max(2, Math.round(s * 0.13)));
    sprite.ellipse(m, s * 0.58, s * 0.06, s * 0.05, 'eye');
    sprite.both(Math.floor(m - s * 0.2), Math.floor(s * 0.52), 'accent');
  },
  slime(sprite, s, draws) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.66, s * 0.36, s * 0.18, 'body');
    sprite.ellipse(m, s * 0.54, s * 0.27, s * between(0.22, 0.28, draws.next()), 'body');
    sprite.ellipse(m - s * 0.12, s * 0.42, s * 0.07, s * 0.05, 'glint');
    eyes(sprite, s * 0.56, s * 0.14, Math.max(2, Math.round(s * 0.1)));
    for (let i = 0; i < s * 0.14; i++) sprite.set(Math.floor(m - s * 0.07 + i), Math.floor(s * 0.71), 'eye');
    if (draws.chance(0.5)) sprite.ellipse(m, s * 0.26, s * 0.1, s * 0.06, 'leaf');
  },
  robot(sprite, s, draws) {
    const m = s / 2;
    sprite.rect(m - s * 0.26, s * 0.22, s * 0.52, s * 0.3, 'body');
    sprite.rect(m - s * 0.2, s * 0.56, s * 0.4, s * 0.24, 'body');
    sprite.rect(m - s * 0.2, s * 0.28, s * 0.4, s * 0.16, 'eye');
    for (let i = 0; i < Math.max(1, s * 0.07); i++)
      sprite.both(Math.floor(m - s * 0.12 + i), Math.floor(s * 0.34), 'accent');
    sprite.line(m, s * 0.1, m, s * 0.21, 'stem');
    sprite.ellipse(m + 0.5, s * 0.09, s * 0.05, s * 0.05, 'accent');
    sprite.rect(m - s * 0.1, s * 0.6, s * 0.2, s * 0.1, 'mark');
    sprite.both(Math.floor(m - s * 0.05), Math.floor(s * 0.64), draws.chance(0.5) ? 'accent' : 'leaf');
    for (let i = 0; i < s * 0.16; i++) sprite.both(Math.floor(m - s * 0.28), Math.floor(s * 0.58 + i), 'shade');
    feet(sprite, s * 0.82, s * 0.16, Math.max(2, Math.floor(s * 0.11)), 2);
  },
  fern(sprite, s, draws) {
    const m = s / 2;
    sprite.line(m, s * 0.14, m, s * 0.74, 'stem');
    for (let i = 0; i < 6; i++) {
      const y = s * (0.24 + i * 0.085);
      const long = s * (0.1 + i * 0.052) * between(0.85, 1.15, draws.next());
      for (let k = 0; k < long; k++) {
        sprite.both(Math.floor(m - 1 - k), Math.floor(y + k * 0.42), k > long * 0.6 ? 'accent' : 'leaf');
        if (k % 2 === 0) sprite.both(Math.floor(m - 1 - k), Math.floor(y + k * 0.42) + 1, 'leaf');
      }
    }
    pot(sprite, s);
  },
  mushroom(sprite, s, draws) {
    const m = s / 2;
    sprite.rect(m - s * 0.11, s * 0.5, s * 0.22, s * 0.32, 'mark');
    sprite.ellipse(m, s * 0.42, s * 0.36, s * between(0.22, 0.28, draws.next()), 'body');
    for (let y = Math.floor(s * 0.54); y < s * 0.74; y++)
      for (let x = 0; x < s; x++) if (sprite.at(x, y) === 'body') sprite.set(x, y, 'none');
    sprite.rect(m - s * 0.11, s * 0.52, s * 0.22, s * 0.3, 'mark');
    for (const [x, y, r] of [
      [0.34, 0.36, 0.06],
      [0.6, 0.3, 0.07],
      [0.68, 0.46, 0.05],
      [0.46, 0.46, 0.045],
    ] as const)
      sprite.ellipse(s * x, s * y, s * r, s * r, 'accent');
    eyes(sprite, s * 0.62, s * 0.06, Math.max(1, Math.round(s * 0.07)));
    for (let i = 0; i < 6; i++) sprite.both(Math.floor(m - s * 0.14 - i), Math.floor(s * 0.82), 'leaf');
  },
  cactus(sprite, s, draws) {
    const m = s / 2;
    sprite.ellipse(m, s * 0.46, s * 0.14, s * 0.32, 'body');
    const [left, right] = [s * between(0.3, 0.42, draws.next()), s * between(0.34, 0.5, draws.next())];
    sprite.rect(m - s * 0.28, left + s * 0.1, s * 0.18, s * 0.07, 'body');
    sprite.rect(m - s * 0.3, left, s * 0.08, s * 0.15, 'body');
    sprite.rect(m + s * 0.1, right + s * 0.1, s * 0.18, s * 0.07, 'body');
    sprite.rect(m + s * 0.22, right - s * 0.02, s * 0.08, s * 0.17, 'body');
    for (let i = 0; i < 5; i++)
      sprite.set(Math.floor(m - s * 0.05 + (i % 2) * s * 0.08), Math.floor(s * (0.24 + i * 0.09)), 'glint');
    sprite.ellipse(m, s * 0.14, s * 0.07, s * 0.05, 'accent');
    eyes(sprite, s * 0.4, s * 0.07, Math.max(1, Math.round(s * 0.08)));
    pot(sprite, s);
  },
  flower(sprite, s, draws) {
    const m = s / 2;
    sprite.line(m, s * 0.4, m, s * 0.74, 'stem');
    const petals = draws.pick([5, 6, 8]);
    for (let i = 0; i < petals; i++) {
      const angle = (i / petals) * 6.2832 - 1.57;
      sprite.ellipse(m + Math.cos(angle) * s * 0.17, s * 0.34 + Math.sin(angle) * s * 0.17, s * 0.09, s * 0.09, 'body');
    }
    sprite.ellipse(m, s * 0.34, s * 0.11, s * 0.11, 'accent');
    eyes(sprite, s * 0.32, s * 0.05, Math.max(1, Math.round(s * 0.06)));
    sprite.ellipse(m - s * 0.14, s * 0.62, s * 0.11, s * 0.05, 'leaf');
    sprite.ellipse(m + s * 0.14, s * 0.56, s * 0.11, s * 0.05, 'leaf');
    pot(sprite, s);
  },
  sprout(sprite, s, draws) {
    const m = s / 2;
    sprite.line(m, s * 0.36, m, s * 0.66, 'stem');
    sprite.line(m - 1, s * 0.4, m - 1, s * 0.66, 'stem');
    sprite.ellipse(m - s * 0.18, s * between(0.26, 0.34, draws.next()), s * 0.18, s * 0.1, 'body');
    sprite.ellipse(m + s * 0.18, s * between(0.24, 0.36, draws.next()), s * 0.18, s * 0.1, 'body');
    sprite.line(m - s * 0.3, s * 0.3, m - s * 0.06, s * 0.32, 'accent');
    sprite.line(m + s * 0.06, s * 0.32, m + s * 0.3, s * 0.3, 'accent');
    pot(sprite, s);
  },
};

function pot(sprite: Sprite, s: number): void {
  const m = s / 2;
  sprite.rect(m - s * 0.2, s * 0.68, s * 0.4, Math.max(2, s * 0.08), 'pot');
  sprite.rect(m - s * 0.16, s * 0.75, s * 0.32, s * 0.14, 'pot');
  for (let i = 0; i < s * 0.2; i++)
    sprite.set(Math.floor(m - s * 0.1 + i), Math.floor(s * 0.8), i % 3 === 0 ? 'glint' : 'pot');
}
