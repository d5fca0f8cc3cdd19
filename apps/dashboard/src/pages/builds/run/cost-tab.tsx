import type { Build, PriceRule, Prices } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { useClient } from '../../../api/client.ts';
import { ButtonLink } from '../../../parts/button.tsx';
import { bytes, duration, money } from '../../../parts/format.ts';
import { Panel } from '../../../parts/panel.tsx';
import { type Column, DataTable } from '../../../parts/table.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { type CostLine, costOf } from './cost.ts';

const columnsFor = (currency: string): Column<CostLine>[] => [
  {
    key: 'what',
    head: w.cost.what,
    fixed: true,
    width: 'minmax(140px,1fr)',
    cell: ({ meter }) => w.cost.meters[meter],
  },
  {
    key: 'quantity',
    head: w.cost.quantity,
    align: 'end',
    width: '120px',
    cell: ({ meter, quantity }) => (
      <span className="num">{meter === 'build.time' ? duration(quantity) : bytes(quantity)}</span>
    ),
  },
  {
    key: 'rule',
    head: w.cost.price,
    width: 'minmax(140px,1fr)',
    cell: ({ rule }) =>
      rule ? w.cost.rule(rule.price, currency, rule.per) : <span className="text-soft">{w.cost.notPriced}</span>,
  },
  {
    key: 'amount',
    head: w.cost.amount,
    align: 'end',
    width: '112px',
    cell: ({ micros }) => <span className="num">{micros === null ? '–' : money(micros, currency)}</span>,
  },
];

/** What it used so far, and what that costs by the price list of today. */
export function CostTab({ build }: { build: Build }): ReactNode {
  const client = useClient();
  // Who may not read prices sees what was used without them.
  const prices = useQuery({
    queryKey: ['usage', 'prices'],
    queryFn: ({ signal }) => client.connection.call<Prices>('GET', '/v1/prices', { signal }),
    retry: false,
    staleTime: 5 * 60_000,
  });
  const rules: readonly PriceRule[] = prices.data?.rules ?? [];
  const lines = costOf(build, rules);
  const currency = prices.data?.currency ?? 'USD';
  const priced = lines.filter(({ micros }) => micros !== null);
  const columns = useMemo(() => columnsFor(currency), [currency]);
  return (
    <Panel
      title={w.run.cost}
      note={w.cost.note}
      actions={
        <ButtonLink to="/usage" size="s" variant="quiet">
          {w.cost.usage}
        </ButtonLink>
      }
      flush
    >
      <DataTable<CostLine>
        label={w.run.cost}
        columns={columns}
        rows={lines}
        rowKey={({ meter }) => meter}
        height="auto"
      />
      {priced.length > 0 ? (
        <p className="p-4">
          {w.cost.total}{' '}
          <strong className="num">
            {money(
              priced.reduce((sum, { micros }) => sum + (micros ?? 0), 0),
              currency,
            )}
          </strong>
          {priced.length < lines.length ? <span className="text-soft"> {w.cost.partly}</span> : null}
        </p>
      ) : null}
    </Panel>
  );
}
