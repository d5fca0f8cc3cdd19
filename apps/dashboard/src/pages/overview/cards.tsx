import type { AreaOverview, Money, Overview } from '@muster/protocol';
import type { ReactNode } from 'react';
import { count, duration, percent } from '../../parts/format.ts';
import { StatGrid, StatTile } from '../../parts/stat-tile.tsx';
import { overviewWords as words } from '../../words/overview.ts';

const activeBuilds = '/builds?state=assigned&state=running&state=cancelling';

/** One card for each area, with what runs, waits and fails there. */
export function Cards({ overview }: { overview: Overview }): ReactNode {
  const { builds, gallery, streams, costToday } = overview;
  const window = words.windowSays[overview.window];
  return (
    <StatGrid>
      {builds ? (
        <StatTile
          label={words.builds}
          value={words.running(count(builds.running))}
          unit={words.waiting(count(builds.waiting))}
          to={activeBuilds}
          spark={builds.sparkline.finished}
          sparkLabel={words.finishedSpark(words.builds, window)}
          tone={builds.running > 0 ? 'live' : 'off'}
          note={lines(
            builds.oldestWaitMs === null ? undefined : words.oldest(duration(builds.oldestWaitMs)),
            failedIn(builds, window),
            builds.workers.online + builds.workers.offline === 0
              ? words.noWorkers
              : words.workers(count(builds.workers.online), builds.workers.offline),
          )}
        />
      ) : null}
      {gallery ? (
        <StatTile
          label={words.gallery}
          value={words.running(count(gallery.running))}
          unit={gallery.paused > 0 ? words.paused(count(gallery.paused)) : undefined}
          to="/gallery/bots"
          spark={gallery.sparkline.finished}
          sparkLabel={words.finishedSpark(words.gallery, window)}
          tone={gallery.error > 0 ? 'failed' : gallery.running > 0 ? 'live' : 'off'}
          note={lines(
            words.acts(count(Math.round(gallery.actsPerMinute * 10) / 10)),
            gallery.error > 0 ? words.broken(count(gallery.error)) : undefined,
            gallery.budgetShare === null ? undefined : words.budget(percent(gallery.budgetShare)),
          )}
        />
      ) : null}
      {streams ? (
        <StatTile
          label={words.streams}
          value={words.followers(count(streams.followers))}
          to="/streams"
          note={lines(
            words.appends(count(Math.round(streams.appendsPerSecond * 10) / 10)),
            streams.ackMsP99 === null ? undefined : words.ack(duration(streams.ackMsP99)),
          )}
        />
      ) : null}
      <StatTile
        label={words.cost}
        value={moneyText(costToday)}
        to="/usage"
        note={costToday.unpriced > 0 ? words.unpriced(count(costToday.unpriced)) : undefined}
      />
    </StatGrid>
  );
}

const lines = (...parts: (string | undefined)[]): ReactNode =>
  parts.flatMap((part) => (part === undefined ? [] : [<div key={part}>{part}</div>]));

const failedIn = ({ failureShare }: AreaOverview, window: string): string =>
  failureShare === null ? words.nothingFinished(window) : words.failed(percent(failureShare), window);

/** Decimal text of the server; to the cent, as totals are read. */
const moneyText = ({ currency, cost }: Money): string =>
  new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(Number(cost));
