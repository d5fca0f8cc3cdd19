import type { BudgetForecast, GalleryBudget } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Button } from '../../parts/button.tsx';
import { Checkbox } from '../../parts/checkbox.tsx';
import { Combobox } from '../../parts/combobox.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { NumberInput } from '../../parts/input.tsx';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { searchOf, text } from '../../parts/search.ts';
import { Select } from '../../parts/select.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { galleryWords } from '../../words/gallery.ts';
import { budgetWords as words } from '../../words/gallery-running.ts';
import { useAct } from './act.ts';
import { GalleryArea } from './area.tsx';
import { BudgetLines, lineName } from './budget-lines.tsx';
import { budgetQuery, fleetQuery, forecastQuery, personasQuery } from './data.ts';
import { Loaded } from './loaded.tsx';

const search = searchOf({ scope: text() });
const micros = 1_000_000;
type Line = GalleryBudget['lines'][number];

/** What the fleet may use, and what it used: fleet, targets, and any persona or bot. */
export function BudgetsPage(): ReactNode {
  const client = useClient();
  const { values, set } = useSearch(search);
  const { data: fleet } = useQuery(fleetQuery(client));
  const forecast = useQuery(forecastQuery(client));
  const fixed = ['fleet', ...(fleet?.targets.map(({ id }) => `target:${id}`) ?? [])];
  const { scope } = values;
  return (
    <GalleryArea current="budgets" title={words.title} line={<span className="text-soft">{words.note}</span>}>
      <Loaded query={forecast}>{(data) => <Forecast forecast={data} />}</Loaded>
      {scope !== undefined && !fixed.includes(scope) ? (
        <ScopePanel
          scope={scope}
          forecast={forecast.data}
          end={
            <Button size="s" variant="quiet" onClick={() => set({ scope: undefined })}>
              {words.close}
            </Button>
          }
        />
      ) : null}
      <div className="grid items-start gap-4 lg:grid-cols-2">
        {fixed.map((each) => (
          <ScopePanel key={each} scope={each} forecast={forecast.data} />
        ))}
        <Other onPick={(next) => set({ scope: next })} />
      </div>
    </GalleryArea>
  );
}

function Forecast({ forecast }: { forecast: BudgetForecast }): ReactNode {
  const soon = forecast.lines.filter(({ hitsAt }) => hitsAt !== null).slice(0, 5);
  return (
    <Panel title={words.forecast} {...(soon.length > 0 ? { tone: 'warn' as const } : {})}>
      {soon.length === 0 ? <p className="m-0 text-soft">{words.forecastNone}</p> : null}
      <ul className="m-0 list-none p-0">
        {soon.map((line) => (
          <li key={`${line.scope} ${line.meter} ${line.period}`} className="spread">
            <span>{words.forecastLine(line.scope, lineName(line))}</span>
            <Time at={line.hitsAt} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** What a scope is called, and where it leads. */
function ScopeName({ scope }: { scope: string }): ReactNode {
  const [kind = '', id = ''] = scope.split(':');
  if (kind === 'target')
    return (
      <>
        {words.scopes.target} <Link to={`/gallery/targets?target=${id}`}>{id}</Link>
      </>
    );
  if (kind === 'persona')
    return (
      <>
        {words.scopes.persona} <Link to={`/gallery/personas/${id}`}>{id}</Link>
      </>
    );
  if (kind === 'bot')
    return (
      <>
        {words.scopes.bot} <Link to={`/gallery/bots/${id}`}>{id}</Link>
      </>
    );
  return words.scopes.fleet;
}

function ScopePanel({
  scope,
  forecast,
  end,
}: {
  scope: string;
  forecast: BudgetForecast | undefined;
  end?: ReactNode;
}): ReactNode {
  const query = useQuery(budgetQuery(useClient(), scope));
  const [editing, setEditing] = useState(false);
  const operate = useMay('gallery:operate');
  const gone = query.error instanceof MusterError && query.error.code === 'notFound';
  const known = (line: Line): Line => {
    const more = forecast?.lines.find(
      (one) => one.scope === scope && one.meter === line.meter && one.period === line.period,
    );
    return more ? ({ ...line, perHour: more.perHour, hitsAt: more.hitsAt } as Line) : line;
  };
  return (
    <Panel
      title={<ScopeName scope={scope} />}
      actions={
        <>
          {end}
          <Button
            size="s"
            disabledReason={operate.reason ?? (query.data ? undefined : galleryWords.loading)}
            onClick={() => setEditing(true)}
          >
            {words.edit}
          </Button>
        </>
      }
    >
      {gone ? (
        <p className="m-0">{words.gone}</p>
      ) : (
        <Loaded query={query}>{({ lines }) => <BudgetLines lines={lines.map(known)} />}</Loaded>
      )}
      {query.data && editing ? <EditCaps key={scope} budget={query.data} onClose={() => setEditing(false)} /> : null}
    </Panel>
  );
}

type CapDraft = { meter: Line['meter']; period: Line['period']; cap: number | null; unlimited: boolean };

/** Every measure a scope may be capped by; those without a line yet are offered too. */
function draftsOf({ scope, lines }: GalleryBudget): CapDraft[] {
  const perDay = (['acts', 'posts', 'comments', 'likes', 'money', 'tokensIn', 'tokensOut'] as const).map((meter) => ({
    meter,
    period: 'day' as const,
  }));
  const all = scope.startsWith('bot:')
    ? perDay
    : [
        ...perDay,
        { meter: 'images' as const, period: 'day' as const },
        { meter: 'money' as const, period: 'month' as const },
      ];
  const more = lines.filter((line) => !all.some(({ meter, period }) => meter === line.meter && period === line.period));
  return [...all, ...more].map(({ meter, period }) => {
    const cap = lines.find((line) => line.meter === meter && line.period === period)?.cap ?? null;
    return { meter, period, cap, unlimited: cap === null };
  });
}

function EditCaps({ budget, onClose }: { budget: GalleryBudget; onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const admin = useMay('gallery:admin');
  const [before] = useState(() => draftsOf(budget));
  const [drafts, setDrafts] = useState(before);
  const changed = drafts.filter((draft, at) => {
    const was = before[at];
    return was?.unlimited !== draft.unlimited || (!draft.unlimited && was.cap !== draft.cap);
  });
  const save = useAct(
    () =>
      client.gallery.putBudget(
        budget.scope,
        changed.map(({ meter, period, cap, unlimited }) => ({ meter, period, cap: unlimited ? null : (cap ?? 0) })),
      ),
    (saved) => {
      queries.setQueryData(budgetQuery(client, budget.scope).queryKey, saved);
      void queries.invalidateQueries({ queryKey: ['gallery', 'budget'] });
      toast({ title: words.saved, tone: 'done' });
      onClose();
    },
  );
  const set = (at: number, patch: Partial<CapDraft>): void =>
    setDrafts(drafts.map((draft, n) => (n === at ? { ...draft, ...patch } : draft)));
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.editTitle(budget.scope)}
      detail={words.editDetail}
      size="l"
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="primary"
            busy={save.isPending}
            disabledReason={changed.length === 0 ? words.unchanged : undefined}
            onClick={() => save.mutate(undefined)}
          >
            {galleryWords.save}
          </Button>
        </>
      }
    >
      <div className="grid gap-3 sm:grid-cols-2">
        {drafts.map(({ meter, period, cap, unlimited }, at) => {
          const unit = meter === 'money' ? micros : 1;
          return (
            <div key={`${meter} ${period}`} className="flex flex-col gap-1">
              <Field label={lineName({ meter, period })}>
                <NumberInput
                  value={unlimited || cap === null ? null : cap / unit}
                  min={0}
                  step={meter === 'money' ? 0.01 : 1}
                  placeholder={words.unlimited}
                  onChange={(next) =>
                    set(at, next === null ? { cap: null } : { cap: Math.round(next * unit), unlimited: false })
                  }
                />
              </Field>
              <Checkbox
                checked={unlimited}
                label={words.unlimited}
                disabledReason={unlimited ? undefined : admin.reason}
                onChange={(on) => set(at, { unlimited: on })}
              />
            </div>
          );
        })}
      </div>
    </Dialog>
  );
}

function Other({ onPick }: { onPick: (scope: string) => void }): ReactNode {
  const client = useClient();
  const { data: personas } = useQuery(personasQuery(client));
  return (
    <Panel title={words.other} note={words.otherHint}>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={words.pickPersona}>
          <Select
            value=""
            onChange={(id) => (id === '' ? undefined : onPick(`persona:${id}`))}
            options={[
              { value: '', label: words.pick },
              ...(personas ?? []).map(({ id }) => ({ value: id, label: id })),
            ]}
          />
        </Field>
        <Field label={words.pickBot}>
          <Combobox
            value=""
            onChange={(id) => (id === '' ? undefined : onPick(`bot:${id}`))}
            load={async (q) => {
              const { items } = await client.gallery.bots.list({ limit: 20, ...(q === '' ? {} : { q }) });
              return items.map(({ id, name, username }) => ({ value: id, label: name, hint: `@${username}` }));
            }}
            placeholder={words.pick}
          />
        </Field>
      </div>
    </Panel>
  );
}
