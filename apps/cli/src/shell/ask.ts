import { MusterError } from '@muster/protocol/errors';
import type { Context } from './context.ts';
import { Ended, exitCodes } from './exit-codes.ts';

/** Asks before something is destroyed. Without a terminal only `--yes` answers. */
export async function sure(context: Context, question: string): Promise<void> {
  if (context.yes) return;
  if (!process.stdin.isTTY) {
    throw new MusterError('invalid', {
      reason: 'confirmation_needed',
      detail: `${question} Say --yes: there is no terminal to ask on.`,
    });
  }
  // Loaded only now: most commands ask nothing.
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({ message: question, initialValue: false });
  if (isCancel(answer) || !answer) throw new Ended(exitCodes.interrupted, 'Nothing was changed.');
}
