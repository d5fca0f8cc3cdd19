/* Which lines went and which came: the shortest edit (Myers, Algorithmica 1986), with a bound on the work. */

export type DiffLine = { kind: 'same' | 'gone' | 'new'; text: string; before?: number; after?: number };

/** Beyond this many edits everything in between is told as gone and new. */
const editsMax = 1_000;

export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1;
  const middle = edit(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const kinds: DiffLine['kind'][] = [
    ...Array.from({ length: head }, () => 'same' as const),
    ...middle,
    ...Array.from({ length: tail }, () => 'same' as const),
  ];
  let [i, j] = [0, 0];
  return kinds.map((kind) => {
    if (kind === 'gone') return { kind, text: a[i] ?? '', before: (i += 1) };
    if (kind === 'new') return { kind, text: b[j] ?? '', after: (j += 1) };
    return { kind, text: a[i] ?? '', before: (i += 1), after: (j += 1) };
  });
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

function edit(a: readonly string[], b: readonly string[]): DiffLine['kind'][] {
  const most = Math.min(a.length + b.length, editsMax);
  const offset = most + 1;
  // furthest[k + offset]: how far down `a` the best path on diagonal k has come.
  let furthest = new Int32Array(2 * most + 3);
  const steps: Int32Array[] = [];
  for (let d = 0; d <= most; d += 1) {
    steps.push(furthest.slice());
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest[k - 1 + offset] ?? 0) < (furthest[k + 1 + offset] ?? 0));
      let x = down ? (furthest[k + 1 + offset] ?? 0) : (furthest[k - 1 + offset] ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      furthest[k + offset] = x;
      if (x >= a.length && x - k >= b.length) return back(steps, a.length, b.length, offset);
    }
    furthest = furthest.slice();
  }
  return [...a.map(() => 'gone' as const), ...b.map(() => 'new' as const)];
}

function back(steps: readonly Int32Array[], lengthA: number, lengthB: number, offset: number): DiffLine['kind'][] {
  const kinds: DiffLine['kind'][] = [];
  let [x, y] = [lengthA, lengthB];
  for (let d = steps.length - 1; d >= 0; d -= 1) {
    const furthest = steps[d];
    const k = x - y;
    const down = k === -d || (k !== d && (furthest?.[k - 1 + offset] ?? 0) < (furthest?.[k + 1 + offset] ?? 0));
    const from = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (furthest?.[from + offset] ?? 0);
    const fromY = d === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      kinds.push('same');
      x -= 1;
      y -= 1;
    }
    if (d === 0) break;
    kinds.push(down ? 'new' : 'gone');
    if (down) y -= 1;
    else x -= 1;
  }
  return kinds.toReversed();
}
