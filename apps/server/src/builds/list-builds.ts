import {
  attributions,
  type BuildState,
  type BuildSummary,
  buildStates,
  failureCodes,
  type Page,
  platforms,
} from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { invalid } from '#kernel/base';
import { showSummaries } from './build-shape.ts';
import { type BuildFilter, countBuilds, listBuilds, readScanEnd } from './queries/read.ts';
import type { Room } from './room.ts';

/** How a list or a bulk action is narrowed, as it comes in. */
export type FilterInput = {
  state?: string | undefined;
  queue?: string | undefined;
  platform?: string | undefined;
  tag?: string | undefined;
  worker?: string | undefined;
  key?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  /** Several with commas: rows on a screen are read again by these. */
  ids?: string | undefined;
  /** Who caused the failure. */
  attribution?: string | undefined;
  /** The failure's code. */
  failure?: string | undefined;
  /** Builds in their second attempt or a later one. */
  retried?: boolean | undefined;
  q?: string | undefined;
};

/** A search for text reads at most this many builds per page; the cursor then leads on, also past an empty page. */
const scanMax = 10_000;

/** Builds of the project, newest first. Errors: `invalid` `invalid_query`, `bad_cursor`. */
export async function listProjectBuilds(
  room: Room,
  who: Principal,
  input: FilterInput & { limit: number; cursor?: string | undefined },
): Promise<Page<BuildSummary>> {
  const { limit } = input;
  const filter = readFilter(input);
  const before = readCursor(input.cursor);
  const start = before === undefined ? {} : { before };
  const page = { limit: limit + 1, ...start, ...(filter.q === undefined ? {} : { scanMax }) };
  const rows = await listBuilds(room.db, who.projectId, filter, page);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const end =
    rows.length > limit
      ? last?.id
      : filter.q === undefined
        ? undefined
        : await readScanEnd(room.db, who.projectId, filter, { scanMax, ...start });
  return { items: await showSummaries(room, room.db, items), nextCursor: end === undefined ? null : writeCursor(end) };
}

/** How many match, up to `countMax`: a number for people, which a bulk action's dry run gives exactly. */
export async function countProjectBuilds(
  room: Room,
  who: Principal,
  input: FilterInput,
): Promise<{ count: number; exact: boolean }> {
  const count = await countBuilds(room.db, who.projectId, readFilter(input), countMax + 1);
  return { count: Math.min(count, countMax), exact: count <= countMax };
}

const countMax = 10_000;

/** Checks a filter's words. `invalid` `invalid_query` naming the parameter. */
export function readFilter(input: FilterInput): BuildFilter {
  const { queue, worker, key, q } = input;
  const since = readTime('since', input.since);
  const until = readTime('until', input.until);
  return {
    ...(input.state === undefined ? {} : { states: readStates(input.state) }),
    ...(queue === undefined ? {} : { queue }),
    ...(input.platform === undefined ? {} : { platform: oneOf('platform', platforms, input.platform) }),
    ...(input.tag === undefined ? {} : { tag: readTag(input.tag) }),
    ...(worker === undefined ? {} : { worker }),
    ...(key === undefined ? {} : { key }),
    ...(input.ids === undefined ? {} : { ids: readIds(input.ids) }),
    ...(input.attribution === undefined ? {} : { attribution: oneOf('attribution', attributions, input.attribution) }),
    ...(input.failure === undefined ? {} : { failureCode: oneOf('failure', codes, input.failure) }),
    ...(input.retried === true ? { retried: true } : {}),
    ...(q === undefined ? {} : { q }),
    ...(since === undefined ? {} : { since, idFrom: firstIdAt(since.getTime() - clockSlackMs) }),
    ...(until === undefined ? {} : { until, idTo: firstIdAt(until.getTime() + clockSlackMs) }),
  };
}

function readStates(text: string): BuildState[] {
  return text.split(',').map((word) => {
    const state = buildStates.find((state) => state === word.trim());
    return state ?? refuse('state', `one or more of ${buildStates.join(', ')}`);
  });
}

const idsMax = 200;
function readIds(text: string): string[] {
  const ids = text.split(',');
  return ids.length <= idsMax ? ids : refuse('ids', `at most ${idsMax} ids`);
}

const codes = Object.keys(failureCodes);
const oneOf = (parameter: string, words: readonly string[], text: string): string =>
  words.find((word) => word === text) ?? refuse(parameter, `one of ${words.join(', ')}`);

/** `team=web` or `team:web`; `team` alone asks that the tag is there. */
function readTag(text: string): { name: string; value?: string } {
  const [, name = '', value] = /^([^=:]+)(?:[=:](.*))?$/s.exec(text) ?? [];
  if (name === '') refuse('tag', 'a name, or name=value');
  return value === undefined ? { name } : { name, value };
}

function readTime(parameter: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  const year = time.getUTCFullYear();
  return /^\d{4}-\d\d-\d\d/.test(text) && year >= 1970 && year < 9999
    ? time
    : refuse(parameter, 'an ISO time such as 2026-01-31T12:00:00Z');
}

function refuse(parameter: string, wanted: string): never {
  throw invalid('invalid_query', `?${parameter}: expected ${wanted}.`, {
    errors: [{ pointer: `?${parameter}`, detail: `expected ${wanted}` }],
  });
}

const cursorPattern = /^bld_[0-9a-z]{26}$/;
const writeCursor = (id: string): string => Buffer.from(id).toString('base64url');

function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!cursorPattern.test(id))
    throw invalid('bad_cursor', 'The cursor is not one that a list answered.', {
      errors: [{ pointer: '?cursor', detail: 'not a cursor' }],
    });
  return id;
}

/** Ids are made by the clocks of nodes, times by the database's. */
const clockSlackMs = 3_600_000;
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** The smallest id of that millisecond: 48 bits of time and zeros, in the alphabet of ids. */
export function firstIdAt(ms: number, prefix = 'bld'): string {
  let value = BigInt(Math.max(0, Math.trunc(ms))) << 80n;
  let text = '';
  for (let digit = 0; digit < 26; digit++) {
    text = alphabet.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}
