import type { BotCommand, GalleryBot, GalleryBotState } from '@muster/protocol';
import { type GalleryBotEvent, galleryBotMachine } from '@muster/protocol/gallery';
import { refusalOf, type TransitionTable } from '@muster/protocol/machine';
import { useQueryClient } from '@tanstack/react-query';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { useConfirm } from '../../parts/confirm.tsx';
import { plain } from '../../parts/plain.ts';
import { useToast } from '../../parts/toast.tsx';
import { refusalWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { useAct } from './act.ts';
import { takeBot } from './data.ts';

const words = botsWords.bot;

/** The state of the bot itself: gates above it show through as paused or asleep. */
export function ownState({
  state,
  desired,
  sleepUntil,
}: Pick<GalleryBot, 'state' | 'desired' | 'sleepUntil'>): GalleryBotState {
  if (state === 'paused' && desired === 'running') return 'running';
  if (state === 'sleeping' && sleepUntil === null) return 'running';
  return state;
}

const table: TransitionTable<GalleryBotState, GalleryBotEvent> = galleryBotMachine;

/** Why the table of states refuses a command; `undefined`: it takes it. */
export function refusal(
  bot: Pick<GalleryBot, 'state' | 'desired' | 'sleepUntil'>,
  command: BotCommand,
): string | undefined {
  const reason = refusalOf(table, ownState(bot), command);
  return reason === undefined ? undefined : (refusalWords[reason] ?? reason);
}

/** What takes a command back, where anything does. */
const inverse: Readonly<
  Partial<Record<BotCommand, (was: GalleryBotState) => Exclude<BotCommand, 'purge'> | undefined>>
> = {
  pause: (was) => (was === 'error' ? 'start' : 'resume'),
  resume: () => 'pause',
  start: (was) => (was === 'paused' ? 'pause' : was === 'idle' ? 'stop' : undefined),
  stop: (was) => (was === 'running' || was === 'sleeping' ? 'start' : undefined),
  delete: () => 'restore',
  restore: () => 'delete',
};

export type BotActions = {
  /** Why the button may not be pressed: the right first, then the state (D2). */
  disabledReason: (command: BotCommand) => string | undefined;
  run: (command: BotCommand) => void;
  busy: BotCommand | undefined;
};

/** Commands to one bot: reversible ones at once with a way back, the others after a question (D11). */
export function useBotActions(bot: GalleryBot, onPurged: () => void): BotActions {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const confirm = useConfirm();
  const operate = useMay('gallery:operate');
  const admin = useMay('gallery:admin');
  const name = plain(bot.name, 60);
  const send = (command: Exclude<BotCommand, 'purge'>) =>
    command === 'delete' ? client.gallery.bots.delete(bot.id) : client.gallery.bots.command(bot.id, command);
  const act = useAct(
    ({ command }: { command: Exclude<BotCommand, 'purge'>; was: GalleryBotState }) => send(command),
    (done, { command, was }) => {
      takeBot(queries, done.bot);
      const back = done.same ? undefined : inverse[command]?.(was);
      const notes = [
        done.same ? words.same : '',
        done.inFlight > 0 ? words.inFlight(done.inFlight) : '',
        done.confirmed ? '' : words.notConfirmed,
      ].filter((note) => note !== '');
      toast({
        title: words.done(name, command),
        tone: 'done',
        ...(notes.length > 0 ? { detail: notes.join(' ') } : {}),
        ...(back === undefined ? {} : { undo: async () => takeBot(queries, (await send(back)).bot) }),
      });
    },
  );
  const purge = useAct(
    () => client.gallery.bots.purge(bot.id),
    ({ purged }) => {
      toast({ title: words.purged(name), tone: 'done', ...(purged ? {} : { detail: words.purging }) });
      void queries.invalidateQueries({ queryKey: ['gallery', 'bots'] });
      if (purged) onPurged();
    },
  );
  const ask = async (command: BotCommand): Promise<void> => {
    if (command === 'purge') {
      const title = words.purgeTitle(name);
      const sure = await confirm({
        title,
        detail: words.purgeDetail,
        action: words.purgeAction,
        keep: words.keep,
        danger: true,
        typed: bot.username,
      });
      if (sure) purge.mutate(undefined);
      return;
    }
    if (command === 'delete') {
      const title = words.deleteTitle(name);
      const sure = await confirm({
        title,
        detail: words.deleteDetail,
        action: words.deleteAction,
        keep: words.keep,
        danger: true,
      });
      if (!sure) return;
    }
    act.mutate({ command, was: ownState(bot) });
  };
  return {
    disabledReason: (command) => (command === 'purge' ? admin.reason : operate.reason) ?? refusal(bot, command),
    run: (command) => void ask(command),
    busy: act.isPending ? act.variables.command : purge.isPending ? 'purge' : undefined,
  };
}
