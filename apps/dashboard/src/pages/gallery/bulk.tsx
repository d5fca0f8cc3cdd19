import type { BotCommand, BulkBots, GalleryTask } from '@muster/protocol';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { useToast } from '../../parts/toast.tsx';
import { galleryWords, refusalWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { useAct } from './act.ts';

const words = botsWords.bulk;

/** Which bots are meant: rows, whatever matches a filter, or every one. */
export type Chosen = Pick<BulkBots, 'ids'> | Pick<BulkBots, 'filter'> | Pick<BulkBots, 'all'>;
type Asked = { command: BotCommand; chosen: Chosen };

const risky: readonly BotCommand[] = ['delete', 'purge', 'stop'];

/** One command to many bots: counted first by the server itself, then done, in the background when they are many. */
export function useBulk(): { ask: (command: BotCommand, chosen: Chosen) => void; dialog: ReactNode } {
  const client = useClient();
  const [asked, setAsked] = useState<Asked>();
  const count = useAct(({ command, chosen }: Asked) =>
    client.gallery.bots.bulk({ action: command, ...chosen, dryRun: true }),
  );
  const ask = (command: BotCommand, chosen: Chosen): void => {
    setAsked({ command, chosen });
    count.mutate({ command, chosen });
  };
  return {
    ask,
    dialog: (
      <BulkDialog
        asked={asked}
        counted={count.data}
        counting={count.isPending}
        error={count.error}
        onClose={() => {
          setAsked(undefined);
          count.reset();
        }}
      />
    ),
  };
}

type DialogProps = {
  asked: Asked | undefined;
  counted: GalleryTask | undefined;
  counting: boolean;
  error: Error | null;
  onClose: () => void;
};

function BulkDialog({ asked, counted, counting, error, onClose }: DialogProps): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [typed, setTyped] = useState('');
  const command = asked?.command ?? 'pause';
  const close = (): void => {
    setTyped('');
    onClose();
  };
  const go = useAct(
    (what: Asked) => client.gallery.bots.bulk({ action: what.command, ...what.chosen }),
    (task) => {
      void queries.invalidateQueries({ queryKey: ['gallery'] });
      const running = task.state === 'running';
      const detail = [...refusedLines(task), ...(task.confirmed === false ? [words.notConfirmed] : [])].join(' ');
      toast({
        title: running ? words.running(command, task.total) : words.done(command, task.changed),
        tone: running ? 'live' : 'done',
        ...(detail === '' ? {} : { detail }),
      });
      close();
    },
  );
  const changes = counted?.changed ?? 0;
  const problem = problemOf(error);
  const untyped = command === 'purge' && typed !== words.purgeTyped ? botsWords.commands.purge : undefined;
  return (
    <Dialog
      open={asked !== undefined}
      onClose={close}
      title={counting || !counted ? words.counting : words.title(command, changes)}
      footer={
        <>
          <Button onClick={close}>{galleryWords.cancel}</Button>
          <Button
            variant={risky.includes(command) ? 'danger' : 'primary'}
            busy={go.isPending || counting}
            disabledReason={changes === 0 ? words.nothing : untyped}
            onClick={() => asked && go.mutate(asked)}
          >
            {words.action(command, changes)}
          </Button>
        </>
      }
    >
      {problem ? <ProblemPanel problem={problem} /> : null}
      {counting ? <Skeleton lines={2} /> : null}
      {counted ? <Counted task={counted} /> : null}
      {command === 'purge' && changes > 0 ? (
        <Field label={botsWords.bot.purgeDetail}>
          <Input value={typed} onChange={setTyped} placeholder={words.purgeTyped} />
        </Field>
      ) : null}
    </Dialog>
  );
}

const refusedLines = ({ refused }: GalleryTask): string[] =>
  refused.map(({ reason, count }) => words.refused(count, refusalWords[reason] ?? galleryWords.reasonOf(reason)));

function Counted({ task }: { task: GalleryTask }): ReactNode {
  const refused = task.refused.reduce((sum, { count }) => sum + count, 0);
  const same = task.total - task.changed - refused;
  return (
    <ul className="m-0 list-none p-0">
      <li className="font-medium">{task.changed === 0 ? words.nothing : words.would(task.changed, task.total)}</li>
      {same > 0 ? <li className="text-soft">{words.same(same)}</li> : null}
      {refusedLines(task).map((line) => (
        <li key={line} className="text-tone-warn">
          {line}
        </li>
      ))}
    </ul>
  );
}
