import { type Traits, tierIntervals } from '@muster/protocol';
import type { z } from 'zod';
import { checkTimezone } from '#gallery/personas';
import { forbidden, invalid, MusterError } from '#kernel/base';
import { check } from '#kernel/http';
import type { Asker, Room } from './room.ts';

/** What only the server says of a bot. */
const readOnly = new Set([
  'id',
  'projectId',
  'isAgent',
  'effective',
  'seedIndex',
  'desired',
  'state',
  'reason',
  'waiting',
  'sleepUntil',
  'retryAt',
  'failures',
  'lastError',
  'nextThinkAt',
  'thinkNo',
  'generation',
  'provision',
  'counts',
  'costMicros',
  'lastActionAt',
  'version',
  'createdAt',
  'updatedAt',
  'deletedAt',
]);
/** What the account on the target bears, and the seed its choices come from: fixed with the bot. */
const fixed = new Set(['username', 'targetId', 'seed', 'start']);

/** Names these things had elsewhere, folded, and what they are called here. */
const elsewhere: Readonly<Record<string, string>> = {
  postprobability: 'odds.post',
  commentprobability: 'odds.comment',
  replyprobability: 'odds.reply',
  likeprobability: 'odds.like',
  browseprobability: 'odds.browse',
  probabilities: 'odds',
  activitytier: 'tier',
  minactionintervalseconds: 'minIntervalMs',
  maxactionintervalseconds: 'maxIntervalMs',
  activityschedule: 'curve',
  activehours: 'curve',
  workflowtypes: 'recipes',
  persona: 'personaId',
  target: 'targetId',
  displayname: 'name',
  handle: 'username',
  model: 'mind',
  llmprovider: 'mind',
  bio: 'disclosureLabel',
};

/** Reasons that the schemas of the protocol put in front of what they say. */
const namedReasons = /^(odds_empty|curve_empty|curve_shape|recipes_empty): (.*)$/s;

/**
 * The body of a create or a change. Errors: `invalid` with pointers: `read_only`, `odds_empty`, `curve_empty`, `curve_shape`,
 * `recipes_empty`, `timezone_unknown`, else `invalid_body`; a field that is called otherwise here is named.
 */
export function readBotBody<T extends z.ZodType>(schema: T, body: unknown, what: 'create' | 'change'): z.output<T> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    const given = Object.keys(body);
    const said = given.filter((name) => readOnly.has(name) || (what === 'change' && fixed.has(name)));
    if (said.length > 0) {
      throw invalid('read_only', `${said.join(', ')} cannot be set${what === 'change' ? ' here' : ''}.`, {
        errors: said.map((name) => ({
          pointer: `/${name}`,
          detail: fixed.has(name) ? 'fixed when the bot is made' : 'only the server sets it',
        })),
      });
    }
    const known = given.flatMap((name) => {
      const ours = elsewhere[name.toLowerCase().replaceAll(/[-_]/g, '')];
      return ours === undefined || ours === name
        ? []
        : [{ pointer: `/${name}`, detail: `unknown field; did you mean ${ours}?` }];
    });
    const [first] = known;
    if (first) throw invalid('invalid_body', `${first.pointer}: ${first.detail}`, { errors: known });
  }
  try {
    return check(schema, body, 'body');
  } catch (error) {
    throw renamed(error);
  }
}

/** Promotes the reason that a schema put in front of what it says; any other error stays as it is. */
export function renamed(error: unknown): unknown {
  if (!(error instanceof MusterError)) return error;
  const found = error.errors.map(({ detail }) => namedReasons.exec(detail)).find((match) => match !== null);
  if (!found) return error;
  const [, reason = 'invalid_body', detail = ''] = found;
  return invalid(reason, detail, { errors: error.errors });
}

/** A body's fields, the bot's own traits once they are in, and all it has then. */
type Meant = { given: Readonly<Record<string, unknown>>; own: Partial<Traits>; effective: Traits };

/** What no schema can say of traits: zones that exist, minds that are known, intervals in order. */
export function checkTraits(room: Pick<Room, 'minds'>, { given, own, effective }: Meant): void {
  const named = (name: keyof Traits): boolean => given[name] !== undefined && given[name] !== null;
  if (named('timezone')) checkTimezone(effective.timezone);
  if (named('mind') && !room.minds.knows(effective.mind)) {
    throw invalid('mind_unknown', `There is no mind ${effective.mind}; GET /v1/gallery/minds lists them.`, {
      errors: [{ pointer: '/mind', detail: 'not a mind of this server' }],
    });
  }
  checkInterval(given, own, effective.tier);
}

/**
 * A lone bound meets that of its tier. Rows that have another pair all the same (an import, a tier that moved) are lived with:
 * `effectiveTraits` moves the tier's bound along. Here somebody is there to be told.
 */
function checkInterval(given: Meant['given'], own: Partial<Traits>, tier: Traits['tier']): void {
  const changed = ['minIntervalMs', 'maxIntervalMs', 'tier', 'personaId'].find((name) => given[name] !== undefined);
  const min = own.minIntervalMs ?? tierIntervals[tier].minIntervalMs;
  const max = own.maxIntervalMs ?? tierIntervals[tier].maxIntervalMs;
  if (changed === undefined || min <= max) return;
  const of = (name: 'minIntervalMs' | 'maxIntervalMs'): string =>
    own[name] === undefined ? ` of the tier ${tier}` : '';
  const detail = `the least interval${of('minIntervalMs')}, ${min} ms, is above the greatest${of('maxIntervalMs')}, ${max} ms`;
  throw invalid('interval_order', `It cannot be so: ${detail}. Give both, or another tier.`, {
    errors: [{ pointer: `/${changed}`, detail }],
  });
}

/** No cap at all is for `gallery:admin` to give. */
export function checkCaps(room: Pick<Room, 'auth'>, { who }: Asker, caps: object | null | undefined): void {
  const unlimited = Object.entries(caps ?? {}).filter(([, cap]) => cap === null);
  if (unlimited.length === 0) return;
  try {
    room.auth.requireScope(who, 'gallery:admin');
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== 'forbidden') throw error;
    throw forbidden('missing_scope', `No cap on ${unlimited.map(([name]) => name).join(', ')} needs gallery:admin.`, {
      extra: { scope: 'gallery:admin' },
      errors: unlimited.map(([name]) => ({ pointer: `/budget/${name}`, detail: 'null means unlimited' })),
    });
  }
}
