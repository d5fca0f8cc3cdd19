import type { GalleryTask } from '@muster/protocol';
import { galleryLimits as limits } from '@muster/protocol/gallery';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { Checkbox } from '../../parts/checkbox.tsx';
import { Field } from '../../parts/field.tsx';
import { count } from '../../parts/format.ts';
import { NumberInput } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Sign } from '../../parts/state.tsx';
import { Switch } from '../../parts/switch.tsx';
import { Text } from '../../parts/text.tsx';
import { formWords } from '../../words/gallery-form.ts';
import { personasQuery, targetsQuery, useSettled } from './data.ts';
import { Loaded } from './loaded.tsx';
import { TasksPanel } from './tasks.tsx';

const words = formWords.seed;
const countFirst = 20;
const seedMost = 0xff_ff_ff_ff;

type Drawn = {
  personas: [id: string, bots: number][];
  first: { index: number; name: string; username: string; personaId: string }[];
};

/** What a preview of a seed tells, read with care. */
function drawnOf({ result }: GalleryTask): Drawn {
  const personas = result?.['personas'];
  const first = result?.['first'];
  return {
    personas: Object.entries(
      typeof personas === 'object' && personas !== null ? (personas as Record<string, number>) : {},
    ).sort(([, a], [, b]) => b - a),
    first: Array.isArray(first) ? (first as Drawn['first']) : [],
  };
}

/** A fleet from a seed, with what it would make before anything is made. */
export function SeedForm({ persona }: { persona: string | undefined }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const operate = useMay('gallery:operate');
  const { data: personas } = useQuery(personasQuery(client));
  const { data: targets } = useQuery(targetsQuery(client));
  const [amount, setAmount] = useState<number | null>(countFirst);
  const [seed, setSeed] = useState<number | null>(1);
  const [targetId, setTargetId] = useState('sandbox');
  const [only, setOnly] = useState<readonly string[]>(persona === undefined ? [] : [persona]);
  const [start, setStart] = useState(true);
  const drawing = {
    count: amount ?? 0,
    seed: seed ?? 0,
    targetId,
    ...(only.length === 0 ? {} : { personas: [...only] }),
  };
  const settled = useSettled(JSON.stringify(drawing));
  const preview = useQuery({
    queryKey: ['gallery', 'seed', settled],
    queryFn: () => client.gallery.seed({ ...(JSON.parse(settled) as typeof drawing), dryRun: true }),
    enabled: drawing.count >= 1 && operate.may,
    placeholderData: keepPreviousData,
  });
  const draw = useMutation({
    mutationFn: () => client.gallery.seed({ ...drawing, start }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['gallery'] }),
  });
  const problem = problemOf(draw.error);
  const made = preview.data?.changed ?? 0;
  const why =
    operate.reason ?? (drawing.count < 1 ? words.countHint : preview.data && made === 0 ? words.nothing : undefined);
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,26rem)_minmax(0,1fr)]">
      <div className="stack">
        {problem ? <ProblemPanel problem={problem} /> : null}
        <Field label={words.count} hint={words.countHint}>
          <NumberInput value={amount} onChange={setAmount} min={1} max={limits.seedCountMax} />
        </Field>
        <Field label={words.seed}>
          <NumberInput value={seed} onChange={setSeed} min={0} max={seedMost} />
        </Field>
        <Field label={formWords.target}>
          <Select
            value={targetId}
            onChange={setTargetId}
            options={(targets ?? []).map(({ id, title }) => ({ value: id, label: `${id}: ${title}` }))}
          />
        </Field>
        <Field label={words.personas} hint={words.personasHint} group>
          <div className="grid grid-cols-2 gap-x-4 gap-y-1">
            {(personas ?? []).map(({ id }) => (
              <Checkbox
                key={id}
                checked={only.includes(id)}
                label={id}
                onChange={(on) => setOnly(on ? [...only, id] : only.filter((each) => each !== id))}
              />
            ))}
          </div>
        </Field>
        <Switch checked={start} onChange={setStart} label={words.start} hint={formWords.startHint} />
        <div>
          <Button variant="primary" busy={draw.isPending} disabledReason={why} onClick={() => draw.mutate()}>
            {words.action(made)}
          </Button>
        </div>
        {draw.data ? <Done task={draw.data} /> : null}
        <TasksPanel />
      </div>
      <Panel title={words.preview}>
        {operate.may ? (
          <Loaded query={preview} lines={6}>
            {(task) => <Preview task={task} />}
          </Loaded>
        ) : (
          operate.reason
        )}
      </Panel>
    </div>
  );
}

function Done({ task }: { task: GalleryTask }): ReactNode {
  return (
    <div className="row flex-wrap">
      <Sign tone="done">{task.state === 'running' ? words.running : words.done(task.changed)}</Sign>
      <ButtonLink size="s" to="/gallery/bots">
        {words.seeBots}
      </ButtonLink>
      <ButtonLink size="s" to="/gallery/feed">
        {words.seeFeed}
      </ButtonLink>
    </div>
  );
}

function Preview({ task }: { task: GalleryTask }): ReactNode {
  const { personas, first } = drawnOf(task);
  return (
    <div className="stack">
      <p className="m-0 font-medium" data-would={task.changed}>
        {words.would(task.changed, task.total)}
        {task.total > task.changed ? (
          <span className="font-normal text-soft">{` · ${words.there(task.total - task.changed)}`}</span>
        ) : null}
      </p>
      <div>
        <h3 className="m-0 text-sm text-soft">{words.mix}</h3>
        <ul className="m-0 grid list-none grid-cols-[repeat(auto-fill,minmax(11rem,1fr))] gap-x-6 p-0">
          {personas.map(([id, bots]) => (
            <li key={id} className="spread">
              <span className="clip">{id}</span>
              <span className="num">{count(bots)}</span>
            </li>
          ))}
        </ul>
      </div>
      <div>
        <h3 className="m-0 text-sm text-soft">{words.first}</h3>
        <ul className="m-0 list-none p-0">
          {first.map(({ index, name, username, personaId }) => (
            <li key={index} className="grid grid-cols-[2.5rem_minmax(0,1fr)_auto] gap-3">
              <span className="num text-soft">{index}</span>
              <span className="clip">
                <Text value={name} max={60} /> <span className="text-soft">@{username}</span>
              </span>
              <span className="text-soft">{personaId}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
