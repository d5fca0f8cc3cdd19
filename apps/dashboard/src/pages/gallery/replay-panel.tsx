import type { WindowQuery } from '@muster/client';
import type { Odds, Replayed } from '@muster/protocol';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Checkbox } from '../../parts/checkbox.tsx';
import { Field } from '../../parts/field.tsx';
import { money } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Select } from '../../parts/select.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import type { CardContent } from '../../parts/table-cards.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { evaluationWords } from '../../words/gallery-running.ts';
import { mindsQuery, personasQuery } from './data.ts';
import { OddsEditor } from './trait-fields.tsx';

const words = evaluationWords.replay;
const evenOdds: Odds = { post: 20, comment: 20, reply: 20, like: 20, browse: 20 };

/** Recorded thoughts decided once more with something else, side by side. */
export function ReplayPanel({ window }: { window: WindowQuery }): ReactNode {
  const client = useClient();
  const operate = useMay('gallery:operate');
  const { data: personas } = useQuery(personasQuery(client));
  const { data: minds } = useQuery(mindsQuery(client));
  const [persona, setPersona] = useState('');
  const [mind, setMind] = useState('');
  const [odds, setOdds] = useState<Odds>();
  const [spend, setSpend] = useState(false);
  const change = {
    ...(persona === '' ? {} : { persona }),
    ...(mind === '' ? {} : { mind }),
    ...(odds === undefined ? {} : { odds }),
  };
  const replay = useMutation({
    mutationFn: () => client.gallery.replay({ from: window.from ?? '', to: window.to ?? '', change, spend }),
  });
  const problem = problemOf(replay.error);
  const nothing = Object.keys(change).length === 0 ? words.choose : undefined;
  return (
    <Panel title={words.title} note={words.note}>
      <div className="stack">
        <div className="flex flex-wrap items-end gap-4">
          <Field label={words.persona}>
            <Select
              value={persona}
              onChange={setPersona}
              options={[
                { value: '', label: words.asWas },
                ...(personas ?? []).map(({ id }) => ({ value: id, label: id })),
              ]}
            />
          </Field>
          <Field label={words.mind}>
            <Select
              value={mind}
              onChange={setMind}
              options={[
                { value: '', label: words.asWas },
                ...(minds ?? []).map(({ name }) => ({ value: name, label: name })),
              ]}
            />
          </Field>
          <Checkbox
            checked={odds !== undefined}
            onChange={(on) => setOdds(on ? evenOdds : undefined)}
            label={words.odds}
          />
          <Checkbox checked={spend} onChange={setSpend} label={words.spend} />
          <Button
            variant="primary"
            busy={replay.isPending}
            disabledReason={operate.reason ?? nothing}
            onClick={() => replay.mutate()}
          >
            {words.go}
          </Button>
        </div>
        {odds === undefined ? null : (
          <div className="max-w-md">
            <OddsEditor value={odds} onChange={setOdds} />
          </div>
        )}
        {problem ? <ProblemPanel problem={problem} /> : null}
        {replay.data ? <Outcome replayed={replay.data} /> : null}
      </div>
    </Panel>
  );
}

type Row = Replayed['thoughts'][number];

const side = ({ kind, text }: Row['was']): ReactNode => (
  <span className="clip block">
    <Badge>{kind}</Badge> <Text value={text} max={160} />
  </span>
);

const columns: readonly Column<Row>[] = [
  {
    key: 'at',
    head: words.at,
    width: '96px',
    main: true,
    cell: ({ at, botId }) => (
      <Link to={`/gallery/bots/${botId}`}>
        <Time at={at} />
      </Link>
    ),
  },
  { key: 'was', head: words.was, width: 'minmax(160px,1fr)', cell: ({ was }) => side(was) },
  { key: 'now', head: words.now, width: 'minmax(160px,1fr)', cell: ({ now }) => side(now) },
];

const rowCard: (row: Row) => CardContent = ({ was, now, at }) => ({
  lead: <Badge>{was.kind}</Badge>,
  title: <Text value={now.text || now.kind} max={120} />,
  sub: <Text value={was.text || was.kind} max={120} />,
  end: <Time at={at} />,
});

function Outcome({ replayed }: { replayed: Replayed }): ReactNode {
  const { thoughts, same, costMicros, truncated } = replayed;
  if (thoughts.length === 0) return <p className="m-0 text-soft">{words.empty}</p>;
  return (
    <>
      <p className="m-0" data-replayed={thoughts.length}>
        {words.same(same, thoughts.length)} · {words.cost(money(costMicros.was), money(costMicros.now))}
        {truncated ? ` · ${words.cut}` : ''}
      </p>
      <DataTable<Row>
        label={words.label}
        columns={columns}
        rows={thoughts}
        rowKey={({ thoughtId }) => thoughtId}
        height={480}
        card={rowCard}
      />
    </>
  );
}
