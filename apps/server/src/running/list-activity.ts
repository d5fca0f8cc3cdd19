import {
  type Activity,
  type ActivityPage,
  type ActivityQuery,
  type BuildEventRecord,
  buildFeedEntry,
  type FeedArea,
  type FeedEntry,
  feedPathOf,
  galleryFeedEntry,
  type ProjectEventRecord,
  projectFeedEntry,
} from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { forbidden, invalid, MusterError } from '#kernel/base';
import type { Log, StreamKey } from '#kernel/log';
import { runningLimits } from './limits.ts';
import { maySee, scopeOfArea } from './rights.ts';

/* One feed over all areas, newest first, read backwards from the areas' own streams: what pages show and what is followed are
 * the same bytes, and nothing is written twice. A cursor names the position in each stream. */

type Place = number | 'end';
type Reader = { path: string; key: StreamKey; entryOf: (record: unknown) => FeedEntry };
type Candidate = { entry: FeedEntry; seq: number };

// Each stream is written by its own room alone, in this form.
const entryOf: Readonly<Record<FeedArea, (record: unknown) => FeedEntry>> = {
  builds: (record) => buildFeedEntry(record as BuildEventRecord),
  gallery: (record) => galleryFeedEntry(record as Activity),
  streams: (record) => projectFeedEntry(record as ProjectEventRecord),
  people: (record) => projectFeedEntry(record as ProjectEventRecord),
};

/** Errors: `forbidden` `missing_scope` for an area asked for; `invalid` `invalid_query`, `bad_cursor`. */
export async function listActivity(log: Log, who: Principal, query: ActivityQuery): Promise<ActivityPage> {
  const areas = areasAsked(who, query.area);
  const readers = new Map<string, Reader>(
    areas.map((area) => {
      const path = feedPathOf(area, who.projectId);
      return [path, { path, key: { projectId: who.projectId, path }, entryOf: entryOf[area] }];
    }),
  );
  const wanted = filterOf(query, areas);
  const places = readCursor(query.cursor);
  const tails = [...readers.values()].map((reader) => new Backwards(log, reader, places[reader.path]));
  const items: FeedEntry[] = [];
  const since = query.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(query.since);
  let looked = 0;
  while (items.length < query.limit && looked < runningLimits.activityScanMax) {
    await Promise.all(tails.map((tail) => tail.ready()));
    const newest = newestOf(tails);
    if (!newest) break;
    const { entry } = newest.take();
    looked += 1;
    if (Date.parse(entry.at) < since) {
      newest.end();
      continue;
    }
    if (wanted(entry)) items.push(entry);
  }
  const left = tails.some((tail) => tail.place !== 'end');
  return {
    items,
    nextCursor: left ? writeCursor(tails) : null,
    streams: areas.map((area) => ({ area, path: `/v1/stream/${feedPathOf(area, who.projectId)}` })),
  };
}

function areasAsked(who: Principal, text: string | undefined): FeedArea[] {
  const all = Object.keys(scopeOfArea) as FeedArea[];
  if (text === undefined) {
    const seen = all.filter((area) => maySee(who, scopeOfArea[area]));
    if (seen.length > 0) return seen;
    throw missing('builds');
  }
  return text.split(',').map((word) => {
    const area = all.find((candidate) => candidate === word.trim());
    if (area === undefined) throw refuse('area', `expected one or more of ${all.join(', ')}`);
    if (!maySee(who, scopeOfArea[area])) throw missing(area);
    return area;
  });
}

const missing = (area: FeedArea): MusterError =>
  forbidden('missing_scope', `What happens in ${area} is for who holds ${scopeOfArea[area]}.`, {
    extra: { scope: scopeOfArea[area] },
  });

function filterOf(query: ActivityQuery, areas: readonly FeedArea[]): (entry: FeedEntry) => boolean {
  const kinds = query.kind?.split(',').map((word) => word.trim());
  const text = query.q?.toLowerCase();
  const until = query.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(query.until);
  const { actor } = query;
  return (entry) =>
    areas.includes(entry.area) &&
    Date.parse(entry.at) < until &&
    (kinds === undefined ||
      kinds.some((kind) => (kind.endsWith('.*') ? entry.kind.startsWith(kind.slice(0, -1)) : entry.kind === kind))) &&
    (actor === undefined || entry.actor?.name === actor || entry.subject?.id === actor) &&
    (text === undefined || entry.text.toLowerCase().includes(text) || entry.subject?.id === query.q);
}

function newestOf(tails: readonly Backwards[]): Backwards | undefined {
  let best: Backwards | undefined;
  for (const tail of tails) {
    if (tail.head && (!best?.head || tail.head.entry.at > best.head.entry.at)) best = tail;
  }
  return best;
}

/** One stream from its end, or from a position, towards its beginning, a piece at a time. */
class Backwards {
  readonly path: string;
  readonly #log: Log;
  readonly #reader: Reader;
  #place: Place | undefined;
  #waiting: Candidate[] = [];

  constructor(log: Log, reader: Reader, place: Place | undefined) {
    this.#log = log;
    this.#reader = reader;
    this.#place = place;
    this.path = reader.path;
  }

  /** What was taken last stood here; all below it is left. */
  get place(): Place | undefined {
    return this.#place;
  }

  get head(): Candidate | undefined {
    return this.#waiting.at(-1);
  }

  take(): Candidate {
    const taken = this.#waiting.pop();
    if (!taken) throw new Error('invariant broken: taken from an empty feed');
    this.#place = taken.seq;
    return taken;
  }

  end(): void {
    this.#waiting = [];
    this.#place = 'end';
  }

  /** Has a head, or is at its beginning. */
  async ready(): Promise<void> {
    while (this.#waiting.length === 0 && this.#place !== 'end') await this.#readMore();
  }

  async #readMore(): Promise<void> {
    const head = await this.#log.head(this.#reader.key);
    if (!head || head.messages === 0) return this.end();
    const era = head.tail.slice(0, 17);
    const tail = Number(head.tail.slice(17));
    const floor = head.first.slice(0, 17) === era ? Number(head.first.slice(17)) : 0;
    const to = this.#place === undefined || this.#place === 'end' ? tail + 1 : Math.min(this.#place, tail + 1);
    // Offsets say "read up to here": behind `from` stand from + 1 …
    const from = Math.max(floor, to - 1 - runningLimits.activityChunk);
    if (to - 1 <= floor) return this.end();
    let at = from <= 0 ? 'start' : `${era}${String(from).padStart(16, '0')}`;
    const found: Candidate[] = [];
    try {
      for (;;) {
        const page = await this.#log.read(this.#reader.key, at, {
          bytes: 2 ** 20,
          messages: runningLimits.activityChunk,
        });
        for (const { seq, bytes } of page.messages) {
          if (seq < to) found.push({ seq, entry: this.#reader.entryOf(JSON.parse(Buffer.from(bytes).toString())) });
        }
        if (page.upToDate || page.messages.length === 0 || (page.messages.at(-1)?.seq ?? 0) >= to - 1) break;
        at = page.next;
      }
    } catch (error) {
      // Trimmed while it was read: the rest is gone.
      if (!(error instanceof MusterError) || error.status !== 410) throw error;
    }
    if (found.length === 0 && from <= floor) return this.end();
    if (found.length === 0) this.#place = from + 1;
    this.#waiting = found;
  }
}

function writeCursor(tails: readonly Backwards[]): string {
  const places = Object.fromEntries(tails.flatMap(({ path, place }) => (place === undefined ? [] : [[path, place]])));
  return Buffer.from(JSON.stringify(places)).toString('base64url');
}

function readCursor(cursor: string | undefined): Readonly<Record<string, Place>> {
  if (cursor === undefined) return {};
  try {
    const places: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (typeof places === 'object' && places !== null && !Array.isArray(places)) {
      const entries = Object.entries(places);
      if (entries.every(([, place]) => place === 'end' || (Number.isSafeInteger(place) && place >= 0)))
        return Object.fromEntries(entries);
    }
  } catch {
    // Any damage is the same to the caller.
  }
  throw invalid('bad_cursor', 'The cursor is not one that this list answered.', {
    errors: [{ pointer: '?cursor', detail: 'not a cursor' }],
  });
}

function refuse(parameter: string, detail: string): Error {
  return invalid('invalid_query', `?${parameter}: ${detail}.`, { errors: [{ pointer: `?${parameter}`, detail }] });
}
