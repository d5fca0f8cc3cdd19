import { invalid } from '#kernel/base';
import { type Log, parseOffset, type StreamKey } from '#kernel/log';

/** No stream ends there, so the log refuses with `tail_moved`, at its place in the order of checks. */
const never = -1;

/**
 * The last position an append expects (`Stream-Expected-Offset`), as the log takes it. The era counts: an offset of an
 * earlier stream at this path does not fit the present one because the numbers happen to. `invalid` `offset_malformed`.
 */
export async function expectedTail(log: Pick<Log, 'head'>, key: StreamKey, offset: string): Promise<number> {
  const parsed = parseOffset(offset);
  if (!parsed) throw invalid('offset_malformed', 'Stream-Expected-Offset is an offset that the server gave, or -1.');
  const head = await log.head(key);
  if (!head) return never;
  const tail = parseOffset(head.tail);
  if (!tail) return never;
  const same = parsed.seq === tail.seq && (parsed.era === tail.era || (parsed.era === 0 && parsed.seq === 0));
  return same ? tail.seq : never;
}
