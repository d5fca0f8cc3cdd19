import type { Scope } from '@muster/protocol';
import { type Principal, requireInstallation } from '#kernel/auth';
import type { StreamKey } from '#kernel/log';
import type { RunningDeps } from './deps.ts';
import { ensureProjectEvents, type ProjectEvents, projectEventsKey } from './project-events.ts';
import { ensureSamples, type Sampler, samplesKey } from './sampler.ts';

type StreamRoom = {
  readonly prefix: string;
  readonly scope: Scope;
  mayRead(who: Principal, segments: readonly string[]): Promise<{ key: StreamKey } | undefined>;
};

/**
 * `projects/<prj>/events` (changes of people, keys, projects and streams, for who may read the audit log) and
 * `installation/samples` (numbers of the nodes, for who looks after the installation). This room alone writes to them.
 */
export const runningStreams = (
  deps: Pick<RunningDeps, 'log' | 'auth'>,
  events: Pick<ProjectEvents, 'published'>,
  sampler: Pick<Sampler, 'written'>,
): readonly StreamRoom[] => [
  {
    prefix: 'projects',
    scope: 'accounts:admin',
    async mayRead(who, [, projectId, what, ...more]) {
      // Another project's is as if it were not there.
      if (what !== 'events' || more.length > 0 || projectId !== who.projectId) return undefined;
      deps.auth.requireScope(who, 'accounts:admin');
      const key = projectEventsKey(projectId);
      await ensureProjectEvents(deps.log, key);
      await events.published();
      return { key };
    },
  },
  {
    prefix: 'installation',
    scope: 'accounts:admin',
    async mayRead(who, [, what, ...more]) {
      if (what !== 'samples' || more.length > 0) return undefined;
      requireInstallation(who);
      await ensureSamples(deps);
      await sampler.written();
      return { key: samplesKey };
    },
  },
];
