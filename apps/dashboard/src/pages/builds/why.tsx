import type { BuildSummary } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { duration } from '../../parts/format.ts';
import { Progress } from '../../parts/progress.tsx';
import { Text } from '../../parts/text.tsx';
import { buildsWords as w } from '../../words/builds.ts';

/** The sentence beside a build's state (D3): why it waits, what it is at, why it failed, who stopped it. */
export function Why({ build }: { build: BuildSummary }): ReactNode {
  const { state, waiting, failure, progress, phase, stopReason } = build;
  if (state === 'queued') {
    if (!waiting) return <span className="text-soft">{w.why.inLine}</span>;
    return (
      <span className="row clip">
        <Text value={waiting.detail} max={200} className="clip" />
        {waiting.etaMs === null || waiting.etaMs === undefined ? null : (
          <span className="num text-soft">{etaText(waiting.etaMs)}</span>
        )}
      </span>
    );
  }
  if (failure) {
    return (
      <span className="row clip">
        <Badge tone={failure.attribution === 'user' ? 'off' : 'failed'}>{w.attribution[failure.attribution]}</Badge>
        <Text value={failure.detail} max={200} className="clip" />
      </span>
    );
  }
  if (state === 'running' || state === 'assigned') {
    if (progress === null)
      return <span className="text-soft">{state === 'assigned' ? w.why.starting : w.why.running}</span>;
    return <Progress value={progress / 100} label={w.why.progress} tone="live" note={phase ?? undefined} />;
  }
  if (stopReason !== null && state !== 'succeeded') return <span className="text-soft">{w.stopped[stopReason]}</span>;
  return null;
}

/** How long it waited or ran, as far as it is known. */
export function spanOf(build: BuildSummary): { from: number; until: number | null } | undefined {
  const from = build.startedAt ?? build.assignedAt;
  if (from === null) return undefined;
  return { from: Date.parse(from), until: build.finishedAt === null ? null : Date.parse(build.finishedAt) };
}

/** Estimates below a second are no different from none. */
export const etaText = (ms: number): string => (ms < 1_000 ? w.why.now : w.why.eta(duration(ms)));
