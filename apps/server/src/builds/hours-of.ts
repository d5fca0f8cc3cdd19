const hourMs = 3_600_000;
/** A longer one has its beginning in its first piece; runs are bounded far below. */
const piecesMax = 24 * 40;

/** A stretch of time cut at the hours, so that its cost lies on the days it ran on. The pieces are the whole, to the millisecond. */
export function hoursOf(from: number, to: number): { at: Date; ms: number }[] {
  const pieces: { at: Date; ms: number }[] = [];
  let end = Math.round(to);
  const begin = Math.min(Math.round(from), end);
  while (pieces.length < piecesMax - 1) {
    const hour = Math.floor((end - 1) / hourMs) * hourMs;
    if (hour <= begin) break;
    pieces.push({ at: new Date(hour), ms: end - hour });
    end = hour;
  }
  return [{ at: new Date(begin), ms: end - begin }, ...pieces.toReversed()];
}
