import type { SandboxReport, SandboxSettings } from '@muster/client';
import { type FaultKind, faultKinds } from '@muster/protocol/gallery';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Button } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { Field } from '../../parts/field.tsx';
import { percent } from '../../parts/format.ts';
import { Input, NumberInput } from '../../parts/input.tsx';
import { Panel, Section } from '../../parts/panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Sign } from '../../parts/state.tsx';
import { Switch } from '../../parts/switch.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { targetWords } from '../../words/gallery-running.ts';
import { useAct } from './act.ts';
import { sandboxQuery } from './data.ts';
import { Loaded } from './loaded.tsx';
import { postHref } from './sandbox-link.tsx';

const words = targetWords.sandbox;

/** How the gallery built in here treats bots, and what people reported there. */
export function SandboxPanel(): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const confirm = useConfirm();
  const admin = useMay('gallery:admin');
  const query = useQuery(sandboxQuery(client));
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['gallery', 'sandbox'] });
  const reset = useAct(
    () => client.gallery.sandbox.reset(words.resetWord),
    () => {
      refresh();
      toast({ title: words.resetDone, tone: 'done' });
    },
  );
  const askReset = async (): Promise<void> => {
    const { resetTitle: title, resetDetail: detail, resetAction: action, resetWord: typed } = words;
    if (await confirm({ title, detail, action, keep: targetWords.keep, danger: true, typed })) reset.mutate(undefined);
  };
  return (
    <Panel
      title={words.title}
      actions={
        <Button size="s" variant="danger" disabledReason={admin.reason} onClick={() => void askReset()}>
          {words.reset}
        </Button>
      }
    >
      <Loaded query={query}>
        {({ settings, faults, reports }) => (
          <div className="stack">
            <Settings key={settings.version} settings={settings} onDone={refresh} />
            <Faults faults={faults} onDone={refresh} />
            <Reports reports={reports} onDone={refresh} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

const caps = ['fleetDailyMax', 'fleetMonthlyMax', 'agentDailyMax', 'agentMonthlyMax'] as const;

function Settings({ settings, onDone }: { settings: SandboxSettings; onDone: () => void }): ReactNode {
  const client = useClient();
  const toast = useToast();
  const admin = useMay('gallery:admin');
  const [draft, setDraft] = useState(settings);
  const save = useAct(
    (change: Partial<SandboxSettings>) => client.gallery.sandbox.changeSettings(change),
    () => {
      onDone();
      toast({ title: words.saved, tone: 'done' });
    },
  );
  return (
    <Section title={words.caps}>
      <Switch
        checked={settings.paused}
        label={words.paused}
        hint={words.pausedHint}
        disabledReason={admin.reason}
        onChange={(paused) => save.mutate({ paused })}
      />
      <div className="grid grid-cols-2 items-end gap-3 pt-3 sm:grid-cols-5">
        {caps.map((cap) => (
          <Field key={cap} label={words[cap]}>
            <NumberInput
              value={draft[cap]}
              min={0}
              placeholder={words.none}
              onChange={(next) => setDraft({ ...draft, [cap]: next })}
            />
          </Field>
        ))}
        <Button
          busy={save.isPending}
          disabledReason={admin.reason}
          onClick={() => save.mutate(Object.fromEntries(caps.map((cap) => [cap, draft[cap]])))}
        >
          {words.save}
        </Button>
      </div>
    </Section>
  );
}

type FaultsProps = {
  faults: {
    id: string;
    kind: FaultKind;
    probability?: number;
    timesLeft: number | null;
    expiresAt: string;
    match?: { path?: string };
  }[];
  onDone: () => void;
};

function Faults({ faults, onDone }: FaultsProps): ReactNode {
  const client = useClient();
  const admin = useMay('gallery:admin');
  const [kind, setKind] = useState<FaultKind>('503');
  const [path, setPath] = useState('');
  const [probability, setProbability] = useState<number | null>(1);
  const [times, setTimes] = useState<number | null>(null);
  const [delayMs, setDelayMs] = useState<number | null>(null);
  const put = useAct(
    (items: Parameters<typeof client.gallery.sandbox.putFaults>[0]) => client.gallery.sandbox.putFaults(items),
    onDone,
  );
  // Those there already go along: an order stands in place of all before.
  const kept = faults.map(({ kind: of, probability: p, timesLeft, match }) => ({
    kind: of,
    ...(p === undefined ? {} : { probability: p }),
    ...(timesLeft === null ? {} : { times: timesLeft }),
    ...(match === undefined ? {} : { match }),
  }));
  const one = {
    kind,
    probability: probability ?? 1,
    ...(path.trim() === '' ? {} : { match: { path: path.trim() } }),
    ...(times === null ? {} : { times }),
    ...(delayMs === null ? {} : { delayMs }),
  };
  return (
    <Section title={words.faults} note={words.faultsHint}>
      {faults.length === 0 ? <p className="m-0 text-soft">{words.faultsNone}</p> : null}
      <ul className="m-0 list-none p-0">
        {faults.map(({ id, kind: of, probability: p, timesLeft, expiresAt }) => (
          <li key={id} className="row">
            <Sign tone="warn">
              {words.faultLine(targetWords.faultKinds[of], percent(p ?? 1), words.timesLeft(timesLeft))}
            </Sign>
            <span className="text-sm text-soft">
              {words.ends} <Time at={expiresAt} />
            </span>
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap items-end gap-3 pt-3">
        <Field label={words.kind}>
          <Select
            value={kind}
            onChange={(next) => setKind(faultKinds.find((each) => each === next) ?? kind)}
            options={faultKinds.map((value) => ({ value, label: targetWords.faultKinds[value] }))}
          />
        </Field>
        <Field label={words.path} optional>
          <Input value={path} onChange={setPath} mono placeholder="/api/showcase/*" title={words.pathHint} />
        </Field>
        <Field label={words.probability}>
          <NumberInput value={probability} onChange={setProbability} min={0.01} max={1} step={0.05} />
        </Field>
        <Field label={words.times} optional>
          <NumberInput value={times} onChange={setTimes} min={1} />
        </Field>
        <Field label={words.delay} optional>
          <NumberInput value={delayMs} onChange={setDelayMs} min={0} />
        </Field>
        <Button busy={put.isPending} disabledReason={admin.reason} onClick={() => put.mutate([...kept, one])}>
          {words.order}
        </Button>
        {faults.length > 0 ? (
          <Button variant="quiet" disabledReason={admin.reason} onClick={() => put.mutate([])}>
            {words.clear}
          </Button>
        ) : null}
      </div>
    </Section>
  );
}

function Reports({ reports, onDone }: { reports: SandboxReport[]; onDone: () => void }): ReactNode {
  const client = useClient();
  const toast = useToast();
  const confirm = useConfirm();
  const admin = useMay('gallery:admin');
  const down = useAct(
    ({ itemId, commentId }: SandboxReport) =>
      commentId === null ? client.gallery.sandbox.removeItem(itemId) : client.gallery.sandbox.removeComment(commentId),
    () => {
      onDone();
      toast({ title: words.takenDown, tone: 'done' });
    },
  );
  const ask = async (report: SandboxReport): Promise<void> => {
    const { takeDownTitle: title, takeDownDetail: detail, takeDown: action } = words;
    if (await confirm({ title, detail, action, keep: targetWords.keep, danger: true })) down.mutate(report);
  };
  return (
    <Section title={words.reports}>
      {reports.length === 0 ? <p className="m-0 text-soft">{words.reportsNone}</p> : null}
      <ul className="m-0 flex list-none flex-col gap-2 p-0">
        {reports.map((report) => (
          <li key={report.id} className="spread">
            <span className="min-w-0">
              <a href={postHref(report.itemId)} target="_blank" rel="noopener">
                <Text value={report.content ?? report.title} max={160} />
              </a>{' '}
              <span className="text-soft">
                <Text value={`@${report.by}: ${report.reason}`} max={300} /> <Time at={report.createdAt} />
              </span>
            </span>
            <Button size="s" variant="danger" disabledReason={admin.reason} onClick={() => void ask(report)}>
              {words.takeDown}
            </Button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
