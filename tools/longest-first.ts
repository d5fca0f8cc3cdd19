import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Test files that take long, and how many seconds on a quiet machine with two cores. Only their order counts: what takes long
 * begins first, so that no worker is left alone with it at the end. A machine that has run them before needs no such list; CI
 * has never run them.
 */
const seconds: Readonly<Record<string, number>> = {
  'apps/server/test/crash/gallery-owners.test.ts': 90,
  'apps/server/test/crash/gallery-lives-external.test.ts': 85,
  'apps/server/test/crash/gallery-lives.test.ts': 75,
  'apps/server/test/crash/builds-lives.test.ts': 50,
  'apps/server/test/crash/embedded-postgres.test.ts': 50,
  'apps/server/test/crash/subscriptions-lives.test.ts': 45,
  'apps/server/test/crash/streams-socket-kill.test.ts': 30,
  'apps/server/test/crash/log-lives.test.ts': 25,
  'apps/server/test/crash/streams-producers.test.ts': 25,
  'apps/server/test/crash/content-lives.test.ts': 22,
  'apps/server/test/crash/log-kill.test.ts': 18,
  'apps/server/test/scenario/embedded-pg.test.ts': 75,
  'apps/server/test/scenario/docs.test.ts': 60,
  'apps/server/test/scenario/streams-conformance.test.ts': 58,
  'apps/cli/test/demo.test.ts': 50,
  'apps/server/test/scenario/log-command.test.ts': 45,
  'packages/client/test/streams-kills.test.ts': 40,
  'packages/client/test/browser.test.ts': 33,
  'apps/server/test/scenario/gallery-think-hour.test.ts': 33,
  'apps/server/test/scenario/gallery-faults.test.ts': 31,
  'apps/server/test/scenario/stop.test.ts': 28,
  'apps/cli/test/streams.test.ts': 28,
  'packages/worker/test/trouble.test.ts': 26,
  'apps/server/test/scenario/gallery-think-lives.test.ts': 25,
  'apps/server/test/scenario/people-sign-in.test.ts': 24,
  'apps/cli/test/commands.test.ts': 22,
  'apps/server/test/scenario/streams-subscriptions.test.ts': 20,
  'packages/worker/test/builds.test.ts': 19,
  'apps/server/test/scenario/builds-leases.test.ts': 19,
  'packages/worker/test/binary.test.ts': 18,
  'apps/server/test/scenario/gallery-minds-faults.test.ts': 18,
  'apps/server/test/scenario/gallery-cli.test.ts': 16,
  'apps/server/test/scenario/gallery-sim-twice.test.ts': 16,
  'apps/server/test/scenario/people-setup.test.ts': 14,
  'apps/server/test/scenario/streams-socket-resume.test.ts': 13,
  'apps/server/test/scenario/builds-nodes.test.ts': 13,
  'apps/server/test/scenario/gallery-target-faults.test.ts': 13,
  'apps/server/test/scenario/sandbox-person.test.ts': 12,
  'packages/worker/test/example.test.ts': 12,
  'apps/cli/test/gallery.test.ts': 11,
  'packages/client/test/example.test.ts': 11,
};

const root = resolve(import.meta.dirname, '..');

/** Of each project the files of the list first, the longest in front; the others in the order vitest would have run them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const gone = Object.keys(seconds).filter((path) => !existsSync(resolve(root, path)));
    if (gone.length > 0)
      throw new Error(`tools/longest-first.ts names ${gone.join(', ')}, which is not there any more.`);
    const takes = ({ moduleId }: TestSpecification): number => seconds[moduleId.slice(root.length + 1)] ?? 0;
    const sorted = await super.sort(files);
    // Projects stay together, as they are there.
    const place = new Map(sorted.map(({ project }, at) => [project, at]));
    const placeOf = ({ project }: TestSpecification): number => place.get(project) ?? 0;
    return sorted.sort((a, b) => placeOf(a) - placeOf(b) || takes(b) - takes(a));
  }
}
