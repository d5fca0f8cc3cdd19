/** The known name most like `given`, when it is near enough to be a slip of the hand; at most a third of it may differ. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  const wanted = fold(given.slice(0, 128));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const folded = fold(name);
    const most = Math.max(1, Math.floor(Math.max(wanted.length, folded.length) / 3));
    if (Math.abs(wanted.length - folded.length) > most) continue;
    const distance = editDistance(wanted, folded);
    if (distance <= most && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance };
  }
  return best?.name;
}

/** `projectId`, `project_id` and `PROJECT-ID` are the same slip. */
const fold = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '');

/** Levenshtein with swapped neighbours counted as one (optimal string alignment), two rows and the one before. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
