import type { Attempt, Build, BuildEventRecord } from '@muster/protocol';
import type { Tone } from '@muster/protocol/tones';
import { spokenDuration } from '../../../parts/format.ts';
import type { GanttBar, GanttMark, GanttRow } from '../../../parts/gantt.tsx';
import { buildsWords as w } from '../../../words/builds.ts';

/* The life of a build as bars: where it waited, what each attempt did and in which phase, and what happened when. */

const outcomeTone: Readonly<Record<NonNullable<Attempt['outcome']>, Tone>> = {
  succeeded: 'done',
  failed: 'failed',
  cancelled: 'off',
  lost: 'failed',
  abandoned: 'warn',
};
/** Told by the bars themselves, or too many to be marks. */
const unmarked: ReadonlySet<string> = new Set(['progress', 'assigned', 'started']);
const markTone: Readonly<Record<string, Tone>> = {
  succeeded: 'done',
  failed: 'failed',
  expired: 'failed',
  requeued: 'warn',
  cancel_requested: 'warn',
  cancelled: 'off',
  superseded: 'off',
};

const ms = (at: string): number => Date.parse(at);

export function timelineOf(build: Build, events: readonly BuildEventRecord[], now: number): GanttRow[] {
  const waits = waitBars(build, now);
  const rows: GanttRow[] =
    waits.length === 0 ? [] : [{ key: 'queue', label: w.timeline.queue, bars: waits, marks: marksOf(events) }];
  for (const attempt of build.attempts) {
    rows.push({
      key: `attempt-${attempt.term}`,
      label: w.run.attempt(attempt.term),
      bars: attemptBars(attempt, events, build, now),
      leases: leasesOf(attempt, build),
    });
    const phases = phaseBars(attempt, events, now);
    if (phases.length > 0) rows.push({ key: `phases-${attempt.term}`, label: w.timeline.phases, bars: phases });
  }
  return rows;
}

function bar(input: Omit<GanttBar, 'spoken'> & { spokenName: string; now: number }): GanttBar {
  const { spokenName, now, ...rest } = input;
  return { ...rest, spoken: `${spokenName}, ${spokenDuration((rest.to ?? now) - rest.from)}` };
}

/** From coming into line to being taken, for each time it stood there. */
function waitBars(build: Build, now: number): GanttBar[] {
  const ends = build.attempts.map(({ startedAt }) => ms(startedAt));
  const starts = [
    ms(build.submittedAt),
    ...build.attempts.flatMap(({ endedAt }) => (endedAt === null ? [] : [ms(endedAt)])),
  ];
  return starts.flatMap((from, at) => {
    const taken = ends[at];
    const last = at === starts.length - 1;
    const until = taken ?? (build.finishedAt === null ? null : ms(build.finishedAt));
    // The end of the last attempt is the end of the build, not another wait.
    if (taken === undefined && at > 0 && build.state !== 'queued') return [];
    if (until !== null && until - from < 1) return [];
    const label = at === 0 ? w.timeline.queued : w.timeline.queuedAgain;
    return [
      bar({
        key: `wait-${at}`,
        from,
        to: last && build.state === 'queued' ? null : until,
        tone: 'waiting',
        label,
        spokenName: label,
        now,
      }),
    ];
  });
}

function attemptBars(attempt: Attempt, events: readonly BuildEventRecord[], build: Build, now: number): GanttBar[] {
  const began = events.find(({ type, term }) => type === 'started' && term === attempt.term);
  const from = ms(attempt.startedAt);
  const to = attempt.endedAt === null ? null : ms(attempt.endedAt);
  const started = began ? ms(began.at) : undefined;
  const tone =
    attempt.outcome === null ? (build.state === 'cancelling' ? 'warn' : 'live') : outcomeTone[attempt.outcome];
  const label = attempt.outcome ?? build.state;
  const spokenName = `${w.run.attempt(attempt.term)}, ${label}`;
  const bars: GanttBar[] = [];
  if (started === undefined || started - from > 50) {
    bars.push(
      bar({
        key: `assigned-${attempt.term}`,
        from,
        to: started ?? to,
        tone: started === undefined && to !== null ? tone : 'live',
        mark: 'starting',
        label: w.timeline.assigned,
        spokenName: `${w.run.attempt(attempt.term)}, ${w.timeline.assigned}`,
        now,
      }),
    );
  }
  if (started !== undefined) {
    bars.push(
      bar({
        key: `run-${attempt.term}`,
        from: started,
        to,
        tone,
        label,
        spokenName,
        now,
        ...(attempt.outcome === 'lost' ? { mark: 'lost' as const } : {}),
      }),
    );
  }
  return bars;
}

/** What a worker said it was at, from one word to the next. */
function phaseBars(attempt: Attempt, events: readonly BuildEventRecord[], now: number): GanttBar[] {
  const told = events.flatMap(({ type, term, at, data }) => {
    const phase = data?.['phase'];
    return type === 'progress' && term === attempt.term && typeof phase === 'string' ? [{ at: ms(at), phase }] : [];
  });
  const changes = told.filter(({ phase }, at) => phase !== told[at - 1]?.phase);
  const end = attempt.endedAt === null ? null : ms(attempt.endedAt);
  return changes.map(({ at, phase }, n) =>
    bar({
      key: `phase-${attempt.term}-${n}`,
      from: at,
      to: changes[n + 1]?.at ?? end,
      tone: 'live',
      label: phase,
      spokenName: `${w.run.attempt(attempt.term)}, ${phase}`,
      now,
    }),
  );
}

/** How long nobody else may take it: known only for who holds it now. */
const leasesOf = (attempt: Attempt, build: Build): { from: number; to: number }[] =>
  attempt.state === 'held' && build.leaseUntil !== null
    ? [{ from: ms(attempt.startedAt), to: ms(build.leaseUntil) }]
    : [];

const marksOf = (events: readonly BuildEventRecord[]): GanttMark[] =>
  events.flatMap(({ type, at, reason }) => {
    if (unmarked.has(type)) return [];
    const label = `${w.eventName(type)}${reason === undefined || reason === 'none' ? '' : `: ${reason}`}`;
    const tone = markTone[type];
    return [{ at: ms(at), label, ...(tone ? { tone } : {}) }];
  });
