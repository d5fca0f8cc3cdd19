import type { GalleryBot } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { count, duration } from '../../parts/format.ts';
import { HeatGrid } from '../../parts/heat-grid.tsx';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { State } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { FeedList } from './feed-list.tsx';
import { MixBar } from './mix-bar.tsx';

const words = botsWords.bot;
const lastActivities = 50;

export type BotTab = {
  bot: GalleryBot;
  inSandbox: boolean;
  thought: string | undefined;
  onThought: (id?: string) => void;
};

/** Who it is, when it is awake, and what it did last. */
export function BotLife({ bot, thought, onThought }: BotTab): ReactNode {
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
      <div className="grid gap-4 lg:col-span-2 xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <Panel title={words.mix} note={words.mixNote}>
          <MixBar label={words.mix} mix={bot.effective.mix} />
        </Panel>
        <Panel title={words.week} note={words.weekNote(bot.effective.timezone)}>
          <WeekGrid curve={bot.effective.curve} />
        </Panel>
      </div>
      <Panel title={words.character}>
        <Facts columns={2} items={factsOf(bot)} />
      </Panel>
      <Panel title={words.activity} flush>
        <FeedList filter={{ bot: bot.id }} limit={lastActivities} nameless thought={thought} onThought={onThought} />
      </Panel>
    </div>
  );
}

const hours = Array.from({ length: 24 }, (_, hour) => String(hour));

/** Seven days of 24 hours; with `onChange` each hour can be set. */
export function WeekGrid({
  curve,
  onChange,
}: {
  curve: readonly (readonly number[])[];
  onChange?: (day: number, hour: number) => void;
}): ReactNode {
  const most = Math.max(1, ...curve.flat());
  return (
    <HeatGrid
      label={words.week}
      rows={words.days}
      columns={hours}
      values={curve.map((day) => day.map((speed) => speed / most))}
      cell={(day, hour) => words.speed(words.days[day] ?? '', hour, curve[day]?.[hour] ?? 0)}
      {...(onChange === undefined ? {} : { onChange })}
    />
  );
}

function factsOf(bot: GalleryBot): Fact[] {
  const { effective, counts, provision } = bot;
  const own = (value: unknown): ReactNode => (value === null ? null : <Badge hint={words.ownHint}>{words.own}</Badge>);
  const { facts } = words;
  return [
    { label: facts.label, value: <Text value={bot.disclosureLabel} max={80} /> },
    {
      label: facts.provision,
      value: <State kind="provision" state={provision.state} note={provision.detail} />,
    },
    {
      label: facts.personality,
      value: (
        <>
          <Text value={effective.personality} max={600} /> {own(bot.personality)}
        </>
      ),
      wide: true,
    },
    {
      label: facts.vibe,
      value: (
        <>
          <Text value={effective.vibe} max={60} /> {own(bot.vibe)}
        </>
      ),
    },
    {
      label: facts.interests,
      value: (
        <>
          <Text value={effective.interests.join(', ')} max={300} /> {own(bot.interests)}
        </>
      ),
    },
    {
      label: facts.tier,
      value: (
        <>
          {effective.tier} {own(bot.tier)}
        </>
      ),
    },
    { label: facts.interval, value: `${duration(effective.minIntervalMs)} – ${duration(effective.maxIntervalMs)}` },
    {
      label: facts.zone,
      value: (
        <>
          {effective.timezone} {own(bot.timezone)}
        </>
      ),
    },
    {
      label: facts.language,
      value: (
        <>
          {effective.language} {own(bot.language)}
        </>
      ),
    },
    {
      label: facts.mind,
      value: (
        <>
          <Link to="/gallery/minds">
            <Text value={effective.mind} max={80} />
          </Link>{' '}
          {own(bot.mind)}
        </>
      ),
    },
    {
      label: facts.decide,
      value: (
        <>
          {words.decide[effective.decide]} {own(bot.decide)}
        </>
      ),
    },
    {
      label: facts.imageSource,
      value: (
        <>
          {words.sources[effective.imageSource]} {own(bot.imageSource)}
        </>
      ),
    },
    {
      label: facts.seed,
      value: <span className="num">{bot.seedIndex === null ? bot.seed : `${bot.seed} #${bot.seedIndex}`}</span>,
    },
    { label: facts.thinks, value: <span className="num">{count(counts.thinks)}</span> },
    { label: facts.skips, value: <span className="num">{count(counts.skips)}</span> },
    { label: facts.failures, value: <span className="num">{count(counts.failures)}</span> },
    { label: facts.made, value: <Time at={bot.createdAt} /> },
    ...(bot.lastError === null
      ? []
      : [
          {
            label: facts.error,
            value: <Text value={bot.lastError} max={500} className="text-tone-failed" />,
            wide: true,
          },
        ]),
    ...(bot.personaId === null ? [{ label: facts.persona, value: galleryWords.custom }] : []),
  ];
}
