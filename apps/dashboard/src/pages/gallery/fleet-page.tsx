import type { GalleryFleet, GalleryStats } from '@muster/protocol';
import { galleryBotStates } from '@muster/protocol/gallery';
import { toneOf } from '@muster/protocol/tones';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { serverUrl } from '../../api/place.ts';
import { ShareBar } from '../../parts/bars.tsx';
import { ButtonLink } from '../../parts/button.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { count, duration, money, percent } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { searchOf, text } from '../../parts/search.ts';
import { snippetTabs } from '../../parts/snippet.tsx';
import { StatGrid, StatTile } from '../../parts/stat-tile.tsx';
import { State } from '../../parts/state.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { galleryWords } from '../../words/gallery.ts';
import { GalleryArea } from './area.tsx';
import { fleetQuery, forecastQuery, statsQuery } from './data.ts';
import { FeedList } from './feed-list.tsx';
import { actsOf, hoursOf } from './hours.ts';
import { Loaded } from './loaded.tsx';
import { TasksPanel } from './tasks.tsx';

const words = galleryWords.fleet;
const tenMinutes = 600_000;
const day = 86_400_000;
const search = searchOf({ thought: text() });

/** How the whole fleet is, and what it does now. */
export function FleetPage(): ReactNode {
  const query = useQuery(fleetQuery(useClient()));
  return (
    <GalleryArea
      current="fleet"
      title={words.title}
      actions={
        <ButtonLink to="/gallery/bots/new?mode=seed" variant="primary">
          {words.emptyAction}
        </ButtonLink>
      }
    >
      <Loaded query={query} lines={10}>
        {(fleet) => (fleet.bots === 0 ? <NoBots /> : <Fleet fleet={fleet} />)}
      </Loaded>
    </GalleryArea>
  );
}

function NoBots(): ReactNode {
  const { curl, cli, sdk } = words.snippets;
  return (
    <EmptyState
      title={words.emptyTitle}
      detail={words.emptyDetail}
      action={
        <>
          <ButtonLink to="/gallery/bots/new?mode=seed" variant="primary">
            {words.emptyAction}
          </ButtonLink>
          <ButtonLink to="/gallery/bots/new">{words.oneAction}</ButtonLink>
        </>
      }
      snippets={snippetTabs({ curl: curl(serverUrl), cli: cli(), sdk: sdk() })}
    />
  );
}

function Fleet({ fleet }: { fleet: GalleryFleet }): ReactNode {
  const { values, set } = useSearch(search);
  return (
    <>
      <Numbers fleet={fleet} />
      <TasksPanel />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
        <div className="stack">
          <Waiting fleet={fleet} />
          <Personas fleet={fleet} />
          <Gates fleet={fleet} />
          <Origin />
        </div>
        <Panel title={words.feed} flush actions={<Link to="/gallery/feed">{words.feedAll}</Link>}>
          <FeedList
            filter={{}}
            limit={30}
            thought={values.thought}
            onThought={(thought) => set({ thought }, { replace: true })}
          />
        </Panel>
      </div>
    </>
  );
}

function Numbers({ fleet }: { fleet: GalleryFleet }): ReactNode {
  const client = useClient();
  const { data: recent } = useQuery(statsQuery(client, tenMinutes));
  const { data: hourly } = useQuery(statsQuery(client, day, 'hour'));
  const { data: forecast } = useQuery(forecastQuery(client));
  const acts = recent === undefined ? null : actsOf(recent.groups) / (tenMinutes / 60_000);
  const spend = forecast?.lines.find(
    ({ scope, meter, period }) => scope === 'fleet' && meter === 'money' && period === 'day',
  );
  const used = spend && spend.cap !== null && spend.cap > 0 ? (spend.spent + spend.reserved) / spend.cap : null;
  return (
    <StatGrid>
      <StatTile
        label={words.bots}
        value={count(fleet.bots)}
        to="/gallery/bots"
        note={words.botsNote(fleet.desired.running)}
      />
      {galleryBotStates
        .filter((state) => state !== 'deleted' && (fleet.states[state] > 0 || state === 'running'))
        .map((state) => (
          <StatTile
            key={state}
            label={galleryWords.states[state]}
            tone={toneOf('galleryBot', state)}
            value={count(fleet.states[state])}
            to={`/gallery/bots?state=${state}`}
          />
        ))}
      <StatTile
        label={words.perMinute}
        value={acts === null ? galleryWords.none : acts.toFixed(acts < 10 ? 1 : 0)}
        note={words.perMinuteNote}
        to="/gallery/feed"
        {...(hourly === undefined ? {} : { spark: hoursOf(hourly).map(actsOfHour), sparkLabel: words.perHour })}
      />
      <StatTile
        label={words.spend}
        value={spend ? money(spend.spent) : galleryWords.none}
        to="/gallery/budgets"
        note={spend && spend.cap !== null ? `${words.spendNote(money(spend.cap))} · ${percent(used)}` : words.spendFree}
        {...(used !== null && used >= 0.8 ? { tone: used >= 1 ? ('failed' as const) : ('warn' as const) } : {})}
      />
      {fleet.targets
        .filter(({ share }) => share < 1)
        .map(({ id, share }) => (
          <StatTile
            key={id}
            label={words.share}
            value={percent(share)}
            note={words.shareNote(id)}
            to={`/gallery/targets?target=${id}`}
          />
        ))}
      <StatTile label={words.lag} value={duration(fleet.runtime.lagMs)} note={words.lagNote} />
    </StatGrid>
  );
}

const actsOfHour = ({ group }: { group: GalleryStats['groups'][number] | undefined }): number =>
  group ? actsOf([group]) : 0;

function Waiting({ fleet }: { fleet: GalleryFleet }): ReactNode {
  const reasons = Object.entries(fleet.waiting).sort(([, a], [, b]) => b - a);
  return (
    <Panel title={words.waiting}>
      {reasons.length === 0 ? <p className="m-0 text-soft">{words.waitingNone}</p> : null}
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        {reasons.map(([reason, bots]) => (
          <li key={reason} className="spread">
            <Link to={`/gallery/bots?reason=${encodeURIComponent(reason)}`}>{galleryWords.reasonOf(reason)}</Link>
            <span className="num">{words.waitingCount(bots)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Personas({ fleet }: { fleet: GalleryFleet }): ReactNode {
  return (
    <Panel title={words.personas}>
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        {fleet.personas.map(({ id, bots, running, sleeping, paused, error, idle }) => (
          <li key={id ?? 'custom'} className="grid grid-cols-[minmax(0,9rem)_3rem_minmax(0,1fr)] items-center gap-3">
            <Link to={`/gallery/bots?persona=${id ?? 'custom'}`} className="clip">
              {id ?? galleryWords.custom}
            </Link>
            <span className="num text-right">{count(bots)}</span>
            <ShareBar
              compact
              label={words.personaColumns.mix}
              parts={[
                { label: galleryWords.states.running, value: running, tone: 'live' },
                { label: galleryWords.states.sleeping, value: sleeping, tone: 'waiting' },
                { label: galleryWords.states.error, value: error, tone: 'failed' },
                { label: galleryWords.states.paused, value: paused, tone: 'off' },
                { label: galleryWords.states.idle, value: idle, tone: 'off' },
              ]}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Gates({ fleet }: { fleet: GalleryFleet }): ReactNode {
  return (
    <Panel title={words.gates}>
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        <li className="spread">
          <span>{words.gateFleet}</span>
          <State kind="gate" state={fleet.gate.state} note={fleet.gate.reason} />
        </li>
        {fleet.targets.map(({ id, gate }) => (
          <li key={id} className="spread">
            <Link to={`/gallery/targets?target=${id}`}>{id}</Link>
            <State kind="gate" state={gate.state} note={gate.reason} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Origin(): ReactNode {
  const { data } = useQuery(statsQuery(useClient(), day, 'hour'));
  if (!data) return null;
  const { human, bot } = data.sandbox;
  return (
    <Panel title={words.origin} note={words.originNote}>
      <dl className="m-0 grid grid-cols-[minmax(0,1fr)_auto_auto] gap-x-6 gap-y-1">
        <div className="contents text-soft">
          <dt>{words.act}</dt>
          <dd className="m-0 text-right">{words.people}</dd>
          <dd className="m-0 text-right">{words.botsWord}</dd>
        </div>
        {(['post', 'comment', 'like'] as const).map((kind) => (
          <div key={kind} className="contents">
            <dt>{galleryWords.acts[kind]}</dt>
            <dd className="num m-0 text-right">{count(human[kind])}</dd>
            <dd className="num m-0 text-right">{count(bot[kind])}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
