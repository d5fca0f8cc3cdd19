import type { Platform, Registered } from '@muster/protocol';
import { platforms as allPlatforms, buildLimits } from '@muster/protocol/builds';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useId, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { Button } from '../../../parts/button.tsx';
import { Checkbox } from '../../../parts/checkbox.tsx';
import { Drawer } from '../../../parts/drawer.tsx';
import { Field } from '../../../parts/field.tsx';
import { Input, NumberInput } from '../../../parts/input.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { SecretOnce } from '../../../parts/secret-once.tsx';
import { TagInput } from '../../../parts/tag-input.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { tagsOf, wrongPair } from '../pairs.ts';
import { keys } from '../queries.ts';
import { workerCommand } from '../snippets.ts';

/** Registers a machine and shows, once, the command that makes it a worker. */
export function AddWorker({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const form = useId();
  const [name, setName] = useState('');
  const [platforms, setPlatforms] = useState<readonly Platform[]>(['linux']);
  const [labels, setLabels] = useState<string[]>([]);
  const [seats, setSeats] = useState<number | null>(1);
  const [made, setMade] = useState<Registered>();
  const register = useMutation({
    gcTime: 0,
    mutationFn: () =>
      client.workers.register({
        name: name.trim(),
        platforms: [...platforms],
        labels: tagsOf(labels),
        seats: seats ?? 1,
      }),
    onSuccess: (registered) => {
      setMade(registered);
      onClose();
      void queries.invalidateQueries({ queryKey: keys.workers });
    },
  });
  const missing =
    name.trim() === '' ? w.workers.needsName : platforms.length === 0 ? w.workers.needsPlatform : undefined;
  const problem = problemOf(register.error);
  const forget = (): void => {
    setMade(undefined);
    register.reset();
    setName('');
  };
  return (
    <>
      <Drawer
        open={open}
        onClose={onClose}
        title={w.workers.add}
        note={w.workers.addNote}
        footer={
          <>
            <Button onClick={onClose}>{w.workers.addKeep}</Button>
            <Button variant="primary" type="submit" form={form} busy={register.isPending} disabledReason={missing}>
              {w.workers.addDo}
            </Button>
          </>
        }
      >
        <form
          id={form}
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (missing === undefined && !register.isPending) register.mutate();
          }}
        >
          <Field label={w.columns.name} hint={w.workers.nameHint}>
            <Input value={name} onChange={setName} maxLength={200} />
          </Field>
          <Field label={w.workers.platforms} group>
            <span className="row flex-wrap">
              {allPlatforms
                .filter((platform) => platform !== 'any')
                .map((platform) => (
                  <Checkbox
                    key={platform}
                    label={platform}
                    checked={platforms.includes(platform)}
                    onChange={(on) =>
                      setPlatforms((before) =>
                        on ? [...before, platform] : before.filter((each) => each !== platform),
                      )
                    }
                  />
                ))}
            </span>
          </Field>
          <Field label={w.workers.labels} optional hint={w.workers.labelsHint}>
            <TagInput value={labels} onChange={setLabels} check={wrongPair} max={buildLimits.labelsMax} />
          </Field>
          <Field label={w.workers.seats} hint={w.workers.seatsHint}>
            <NumberInput value={seats} onChange={setSeats} min={1} max={buildLimits.seatsMax} />
          </Field>
          {problem ? <ProblemPanel problem={problem} /> : null}
        </form>
      </Drawer>
      {made ? (
        <SecretOnce
          open
          title={w.workers.madeTitle(made.worker.name)}
          name={w.workers.command}
          secret={workerCommand(made.token, made.worker)}
          note={w.workers.madeNote}
          onDone={forget}
        />
      ) : null}
    </>
  );
}
