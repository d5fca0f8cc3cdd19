import type { GalleryTask } from '@muster/protocol';
import type { Context } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';

/** Waits for the end of a task, with one moving line on a terminal. Ctrl-C leaves the task to go on. */
export async function followTask(context: Context, task: GalleryTask, label: string): Promise<GalleryTask> {
  const { client, output, signal } = context;
  const show = !output.json && process.stderr.isTTY;
  try {
    return await client.gallery.finished(task, {
      signal,
      onProgress: ({ done, total, state }) => {
        if (!show) return;
        const share = total === 0 ? 1 : Math.min(1, done / total);
        const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░');
        process.stderr.write(`\r\u001b[2K${label} ${bar} ${(share * 100).toFixed(0).padStart(3)} %`);
        if (state !== 'running') process.stderr.write('\n');
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Ended(exitCodes.interrupted, `The task goes on: muster gallery task ${task.id}`);
  }
}

/** One line of what became of it; a refusal or a failure ends the command with 1. */
export function tellTask({ output }: Context, task: GalleryTask, done: string): void {
  output.result(task, () => [
    `${task.dryRun ? 'Would be ' : ''}${done}: ${task.changed} of ${task.total} bots${
      task.refused.length === 0 && task.changed < task.total ? '; the others were so already' : ''
    }`,
    ...task.refused.map(
      ({ reason, count, example }) => `  refused ${count}: ${reason}${example === null ? '' : ` (${example})`}`,
    ),
  ]);
  if (task.state === 'failed') throw new Ended(exitCodes.runFailed, task.error ?? 'The task failed.');
  if (task.refused.length > 0) throw new Ended(exitCodes.runFailed, 'Some bots were refused.');
}
