import type { BudgetForecast, GalleryBudget } from '@muster/protocol';
import type { ReactNode } from 'react';
import { compact, count, money } from '../../parts/format.ts';
import { Meter } from '../../parts/progress.tsx';
import { Time } from '../../parts/time.tsx';
import { budgetWords as words } from '../../words/gallery-running.ts';

type Line = GalleryBudget['lines'][number] & Partial<Pick<BudgetForecast['lines'][number], 'perHour' | 'hitsAt'>>;

export const amountOf =
  (meter: Line['meter']): ((value: number) => string) =>
  (value) =>
    meter === 'money' ? money(value) : value >= 10_000 ? compact(value) : count(value);

export const lineName = ({ meter, period }: Pick<Line, 'meter' | 'period'>): string =>
  words.line(words.meters[meter], words.periods[period]);

/** Caps with what is spent, what is set aside, and when the period or the money is over. */
export function BudgetLines({ lines }: { lines: readonly Line[] }): ReactNode {
  const shown = lines.filter(({ cap, spent, reserved }) => cap !== null || spent > 0 || reserved > 0);
  if (shown.length === 0) return <p className="m-0 text-soft">{words.none}</p>;
  const capped = shown.filter(({ cap }) => cap !== null);
  const free = shown.filter(({ cap }) => cap === null);
  return (
    <div className="stack">
      {capped.length === 0 ? null : (
        <ul className="m-0 flex list-none flex-col gap-3 p-0">
          {capped.map((line) => (
            <BudgetLine key={`${line.meter} ${line.period}`} line={line} />
          ))}
        </ul>
      )}
      {free.length === 0 ? null : <Uncapped lines={free} />}
    </div>
  );
}

/** What is counted and not capped: the numbers alone. */
function Uncapped({ lines }: { lines: readonly Line[] }): ReactNode {
  return (
    <div>
      <h3 className="m-0 text-sm text-soft">{words.uncapped}</h3>
      <ul className="m-0 list-none p-0">
        {lines.map((line) => (
          <li key={`${line.meter} ${line.period}`} className="spread" data-meter={line.meter}>
            <span>{lineName(line)}</span>
            <span className="num">{amountOf(line.meter)(line.spent)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function BudgetLine({ line }: { line: Line }): ReactNode {
  const { meter, cap, spent, reserved, resetsAt, perHour, hitsAt } = line;
  const format = amountOf(meter);
  const name = lineName(line);
  return (
    <li
      className="grid grid-cols-1 items-baseline gap-x-4 gap-y-1 sm:grid-cols-[minmax(0,13rem)_minmax(0,1fr)]"
      data-meter={meter}
    >
      <span>{name}</span>
      <Meter label={name} used={spent} reserved={reserved} limit={cap} format={format} />
      <span className="hidden sm:block" />
      <span className="flex flex-wrap gap-x-3 text-sm text-soft">
        {reserved > 0 ? <span className="num">{words.reserved(format(reserved))}</span> : null}
        {perHour === undefined || perHour === 0 ? null : (
          <span className="num">{words.perHour(format(Math.round(perHour)))}</span>
        )}
        <span>
          {words.resets} <Time at={resetsAt} />
        </span>
        {hitsAt === undefined || cap === null ? null : hitsAt === null ? (
          <span>{words.hitsNot}</span>
        ) : (
          <span className="text-tone-warn">
            {words.hits} <Time at={hitsAt} />
          </span>
        )}
      </span>
    </li>
  );
}
