/* The one feed of a project, over its areas: what an entry is, where each area's records are followed, and how a record
 * becomes an entry. No schemas here: the console uses this in the browser for what comes live, the server for pages. */
import type { BuildEventRecord } from '../builds/build.ts';
import type { Activity } from '../gallery/activity.ts';
import { consolePathOf, type ThingKind } from './console-paths.ts';

/** Areas that tell what happens. `people` is accounts, keys and projects; its entries are for who may read the audit log. */
export const feedAreas = ['builds', 'gallery', 'streams', 'people'] as const;
export type FeedArea = (typeof feedAreas)[number];

export const feedTones = ['neutral', 'good', 'bad', 'warning'] as const;
export type FeedTone = (typeof feedTones)[number];

export type FeedThing = { kind: ThingKind; id: string; name: string | null; path: string };
export type FeedEntry = {
  /** Unique in the project; the same live and in pages. */
  id: string;
  area: FeedArea;
  /** `build.succeeded`, `worker.offline`, `queue.paused`, `gallery.post`, `key.created`, … */
  kind: string;
  at: string;
  tone: FeedTone;
  /** One plain sentence. Parts of it may come from outside: show it as text. */
  text: string;
  actor: { kind: string; name: string } | null;
  subject: FeedThing | null;
  reason: string | null;
};

/** A change of people, keys, projects or streams, as `projects/<prj>/events` carries it. No values, no addresses. */
export type ProjectEventRecord = {
  id: string;
  at: string;
  action: string;
  subject: string;
  actorKind: string;
  actor: string;
  outcome: 'done' | 'refused';
};

/** Under `/v1/stream/`; records of each become entries through the function named like the area. */
export const feedPathOf = (area: FeedArea, projectId: string): string => {
  if (area === 'builds') return 'builds/events';
  return area === 'gallery' ? 'gallery/activity' : `projects/${projectId}/events`;
};

const thing = (kind: ThingKind, id: string, name: string | null = null): FeedThing => ({
  kind,
  id,
  name,
  path: consolePathOf[kind](id),
});

const buildTones: Readonly<Record<string, FeedTone>> = {
  succeeded: 'good',
  failed: 'bad',
  expired: 'bad',
  requeued: 'warning',
  offline: 'warning',
  paused: 'warning',
  online: 'good',
  resumed: 'good',
};

const buildWords: Readonly<Record<string, string>> = {
  submitted: 'was submitted',
  assigned: 'was given to a worker',
  started: 'started',
  progress: 'made progress',
  cancel_requested: 'is asked to stop',
  requeued: 'is in line again',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'was cancelled',
  superseded: 'was replaced by a newer one',
  retried: 'was submitted again',
  artifact_stored: 'stored a file',
  priority_changed: 'changed its place in line',
  expired: 'waited too long',
  registered: 'registered',
  online: 'is online',
  offline: 'went silent',
  draining: 'takes no more builds',
  resumed: 'goes on',
  removed: 'was removed',
  paused: 'is paused',
};

const textIn = (data: Readonly<Record<string, unknown>> | undefined, name: string): string | null => {
  const value = data?.[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** A record of `builds/events`. */
export function buildFeedEntry(record: BuildEventRecord): FeedEntry {
  const { buildId, workerId, queue, type, data, reason } = record;
  const [noun, subject] =
    buildId !== undefined
      ? ['Build', thing('build', buildId, textIn(data, 'name'))]
      : workerId !== undefined
        ? ['Worker', thing('worker', workerId, textIn(data, 'name'))]
        : ['Queue', queue === undefined ? null : thing('queue', queue, queue)];
  const name = subject?.name ?? subject?.id ?? '';
  const why = textIn(data, 'detail') ?? reason ?? null;
  const said = `${noun} ${name} ${buildWords[type] ?? type}`;
  return {
    id: `builds-${record.id}`,
    area: 'builds',
    kind: `${noun.toLowerCase()}.${type}`,
    at: record.at,
    tone: buildTones[type] ?? 'neutral',
    text: why === null ? `${said}.` : `${said}: ${why}`,
    actor: null,
    subject,
    reason: reason ?? null,
  };
}

const galleryTones: Readonly<Record<string, FeedTone>> = {
  error: 'bad',
  panic: 'bad',
  blocked: 'warning',
  budget: 'warning',
  post: 'good',
  released: 'good',
};

/** A record of `gallery/activity`. */
export function galleryFeedEntry(record: Activity): FeedEntry {
  const { botId, botName, type, message, thoughtId } = record;
  const act = thoughtId === undefined ? null : thing('galleryAction', thoughtId);
  return {
    id: record.id,
    area: 'gallery',
    kind: `gallery.${type}`,
    at: record.at,
    tone: galleryTones[type] ?? 'neutral',
    text: message,
    actor: botId === null ? null : { kind: 'galleryBot', name: botName ?? botId },
    subject: botId === null ? act : thing('galleryBot', botId, botName),
    reason: record.data.reason ?? null,
  };
}

const kindOfPrefix: Readonly<Record<string, ThingKind>> = {
  key: 'key',
  usr: 'person',
  prj: 'project',
  inv: 'invite',
  job: 'job',
  bld: 'build',
  wrk: 'worker',
};

const subjectOf = (subject: string, area: FeedArea): FeedThing | null => {
  const kind = kindOfPrefix[/^([a-z]{3})_[0-9a-z]{26}$/.exec(subject)?.[1] ?? ''];
  if (kind !== undefined) return thing(kind, subject);
  return area === 'streams' && subject.includes('/') ? thing('stream', subject) : null;
};

/** Which area a change belongs to, by its action; `undefined`: the room tells it in its own feed. */
export function areaOfAction(action: string): FeedArea | undefined {
  if (/^(builds|gallery|action)\./.test(action)) return undefined;
  return /^(stream|streams|stream_token|subscription)[._]/.test(action) || /^(stream|subscription)/.test(action)
    ? 'streams'
    : 'people';
}

/** A record of `projects/<prj>/events`. */
export function projectFeedEntry(record: ProjectEventRecord): FeedEntry {
  const { action, actor, actorKind, outcome } = record;
  const area = areaOfAction(action) ?? 'people';
  const subject = subjectOf(record.subject, area);
  const words = action.replaceAll(/[._]/g, ' ');
  return {
    id: record.id,
    area,
    kind: action,
    at: record.at,
    tone: outcome === 'refused' ? 'warning' : 'neutral',
    text: `${words}${subject === null ? '' : ` ${subject.id}`}, by ${actor}${outcome === 'refused' ? ' (refused)' : ''}.`,
    actor: { kind: actorKind, name: actor },
    subject,
    reason: null,
  };
}
