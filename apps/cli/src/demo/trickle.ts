import type { Client } from '@muster/client';
import type { Output } from '../shell/output.ts';

type Scene = { name: string; env: Record<string, string>; priority?: number; cancelAfterMs?: number };

/** What the demo submits, over and over: mostly good builds, one that fails, one that somebody cancels. */
const scenes: readonly Scene[] = [
  { name: 'main: every push', env: {} },
  { name: 'feature/faster-boot', env: { DEMO_SLOW: '6' } },
  { name: 'hotfix, ahead of the others', env: {}, priority: 50 },
  { name: 'feature/half-done (its test fails)', env: { DEMO_FAIL: '1' } },
  { name: 'nightly, cancelled by a person', env: { DEMO_SLOW: '60' }, cancelAfterMs: 8_000 },
];

/**
 * Keeps a trickle of builds alive: one every `everyMs`, never more than three unfinished, so a machine that is slow gets a
 * queue and not a flood.
 */
export async function trickle(
  client: Client,
  source: Blob,
  output: Output,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  let sourceOf: string | undefined;
  for (let n = 0; !signal.aborted; n++) {
    const unfinished = await client.builds.list({ state: 'queued,assigned,running,cancelling', limit: 3 });
    if (unfinished.items.length < 3) {
      const { name, env, priority, cancelAfterMs } = scenes[n % scenes.length] ?? { name: 'build', env: {} };
      const build = await client.builds.submit(
        { name, env, tags: { demo: 'yes' }, ...(priority === undefined ? {} : { priority }), maxRunMs: 300_000 },
        // The stored source is shared: one copy on disk however many builds.
        { source: sourceOf ? { fromBuild: sourceOf } : source },
        { signal },
      );
      sourceOf ??= build.id;
      output.note(`${build.id} submitted: ${name}`);
      void tellEnd(client, build.id, output, signal);
      if (cancelAfterMs)
        void pause(cancelAfterMs, signal).then(() =>
          client.builds.cancel(build.id, 'the demo cancels this one').catch(() => undefined),
        );
    }
    await pause(everyMs, signal);
  }
}

async function tellEnd(client: Client, id: string, output: Output, signal: AbortSignal): Promise<void> {
  try {
    const build = await client.builds.finished(id, signal);
    output.note(`${id} ${output.state(build.state)}${build.failure ? `: ${build.failure.detail}` : ''}`);
  } catch {
    // The demo is ending, or the server is away; the next builds will tell.
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
