import type { Draws } from '#gallery/model';
import { between } from '../../drawing/numbers.ts';
import type { Font } from '../../type/font.ts';
import { capitalised, namedIn, topicOf } from '../../words/phrases.ts';
import { lexicon, type Prompt } from '../../words/prompt.ts';

export type Kind = 'bar' | 'rows' | 'line' | 'area' | 'dot' | 'donut';
export const kinds = lexicon<Kind>({
  bar: 'bar bars column columns histogram third_bar',
  rows: 'rows ranking list tally league',
  line: 'line lines curve trend',
  area: 'area stacked layers',
  dot: 'dot dots scatter lollipop point',
  donut: 'donut doughnut pie share ring slice',
});
type Trend = 'up' | 'down' | 'flat' | 'peak' | 'dip' | 'cycle';
const trends = lexicon<Trend>({
  up: 'up rise rising growing growth more climbing increase',
  down: 'down fall falling decline fewer less shrinking drop',
  flat: 'flat steady same constant quiet calm',
  peak: 'peak spike rush busy noon crest maximum',
  dip: 'dip slump low gap lull minimum',
  cycle: 'cycle tide wave season daily rhythm swing orbit',
});

const axes = {
  week: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
  year: ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  hours: ['6', '8', '10', '12', '14', '16', '18', '20', '22'],
  seasons: ['Spring', 'Summer', 'Autumn', 'Winter'],
  places: ['Old Bridge', 'Mill Lane', 'East Quay', 'Castle Hill', 'Pear Square', 'North Gate', 'Lamp Street', 'Depot'],
};
type Axis = keyof typeof axes;
const spans = lexicon<Axis>({
  week: 'week weekday weekdays daily monday tuesday wednesday thursday friday saturday sunday',
  year: 'year month months monthly annual calendar',
  hours: 'hour hours morning evening day clock night',
  seasons: 'season seasons spring summer autumn winter',
  places: 'street streets stop stops place places city station district',
});
const spanWords: Readonly<Record<Axis, string>> = {
  week: 'by weekday',
  year: 'by month',
  hours: 'by hour of the day',
  seasons: 'by season',
  places: 'by place',
};
export const wholeNames: Readonly<Record<string, string>> = {
  Mon: 'Monday',
  Tue: 'Tuesday',
  Wed: 'Wednesday',
  Thu: 'Thursday',
  Fri: 'Friday',
  Sat: 'Saturday',
  Sun: 'Sunday',
  Jan: 'January',
  Feb: 'February',
  Mar: 'March',
  Apr: 'April',
  May: 'May',
  Jun: 'June',
  Jul: 'July',
  Aug: 'August',
  Sep: 'September',
  Oct: 'October',
  Nov: 'November',
  Dec: 'December',
};

const subjects = [
  'Trams per minute',
  'Lost gloves',
  'Crumbs on the sill',
  'Open windows',
  'Cups of tea',
  'Odd socks found',
  'Dogs on the quay',
  'Umbrellas left behind',
  'Yawns in the library',
  'Bicycles at the bridge',
  'Doors held open',
  'Notes whistled',
];
const shares = [
  ['before nine', 'at noon', 'after dark', 'never'],
  ['left', 'right', 'both', 'unknown'],
  ['red', 'blue', 'green', 'striped'],
  ['walked', 'rode', 'stayed', 'turned back'],
];
const seriesNames = [
  ['this week', 'last week'],
  ['north side', 'south side'],
  ['sun', 'rain'],
  ['window', 'aisle', 'standing'],
  ['left bank', 'right bank', 'bridge'],
];

export type Figures = {
  title: string;
  span: string;
  kind: Kind;
  labels: readonly string[];
  series: readonly { name: string; values: readonly number[] }[];
  most: number;
};

/** Invented, and said so in the chart: a topic, a trend, and numbers that follow it. */
export function figuresOf(prompt: Prompt, draws: Draws, fonts: readonly Font[]): Figures {
  const settable = (words: string): boolean => fonts.every((font) => font.covers(words));
  const chance = draws.weighted<Kind>({ bar: 5, rows: 3, line: 4, area: 3, dot: 3, donut: 3 }) ?? 'bar';
  const kind = prompt.find(kinds) ?? chance;
  const axis =
    kind === 'rows'
      ? 'places'
      : (prompt.find(spans) ??
        draws.weighted<Axis>({
          week: 4,
          year: 3,
          hours: 3,
          seasons: kind === 'line' || kind === 'area' ? 0 : 1,
          places: kind === 'bar' || kind === 'dot' ? 1 : 0,
        }) ??
        'week');
  const named = namedIn(prompt) ?? perIn(prompt) ?? topicOf(prompt, 4).join(' ');
  const title = named.length > 2 && settable(named) ? capitalised(named) : draws.pick(subjects);
  const trend = prompt.find(trends) ?? draws.pick(['up', 'down', 'peak', 'cycle', 'peak', 'dip'] as const);
  const scale = draws.pick([12, 20, 40, 80, 100, 240]);
  if (kind === 'donut') {
    const names = draws.pick(shares);
    const raw = names.map((_, i) => between(0.35, 1, draws.next()) / (i + 1) ** 0.7);
    const sum = raw.reduce((a, b) => a + b, 0);
    const rounded = raw.map((value) => Math.max(3, Math.round((100 * value) / sum)));
    rounded.sort((a, b) => b - a);
    rounded[0] = 100 - rounded.slice(1).reduce((a, b) => a + b, 0);
    return {
      title,
      span: 'share of all seen',
      kind,
      labels: names,
      series: [{ name: title, values: rounded }],
      most: 100,
    };
  }
  const wanted = prompt.number();
  const all = axes[axis];
  const labels =
    axis === 'places' ? draws.shuffled(all).slice(0, Math.min(8, Math.max(4, wanted ?? draws.whole(5, 7)))) : all;
  const names =
    kind === 'line' || kind === 'area'
      ? kind === 'line' && draws.chance(0.4)
        ? [title]
        : draws.pick(seriesNames.filter((set) => kind === 'line' || set.length === 3))
      : [title];
  const series = names.map((name, at) => ({ name, values: run(draws, labels.length, trend, scale, at) }));
  if (kind === 'rows') for (const one of series) one.values.sort((a, b) => b - a);
  const sums =
    kind === 'area'
      ? labels.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0))
      : series.flatMap(({ values }) => values);
  return { title, span: spanWords[axis], kind, labels, series, most: Math.max(...sums) };
}

/** `crumbs per slice`, as it was said. */
function perIn(prompt: Prompt): string | undefined {
  const at = prompt.words.findIndex((word) => word.toLowerCase() === 'per');
  if (at < 1 || at + 1 >= prompt.words.length) return undefined;
  return prompt.words.slice(Math.max(0, at - 1), at + 2).join(' ');
}

function run(draws: Draws, count: number, trend: Trend, scale: number, at: number): number[] {
  const phase = draws.next() * 6;
  const summit = between(0.35, 0.75, draws.next());
  return Array.from({ length: count }, (_, i) => {
    const share = count < 2 ? 0 : i / (count - 1);
    const shape = {
      up: between(0.25, 0.95, share),
      down: between(0.95, 0.25, share),
      flat: 0.6,
      peak: 0.28 + 0.68 * Math.exp(-((share - summit) ** 2) / 0.04),
      dip: 0.9 - 0.6 * Math.exp(-((share - summit) ** 2) / 0.04),
      cycle: 0.58 + 0.34 * Math.sin(share * 9 + phase),
    }[trend];
    const value = shape * (1 - at * 0.18) + (draws.next() - 0.5) * 0.2;
    return Math.max(1, Math.round(Math.max(0.05, value) * scale));
  });
}

/** Round steps of 1, 2 or 5 that reach `most` in at most five of them. */
export function ticksTo(most: number): number[] {
  const raw = most / 4;
  const ten = 10 ** Math.floor(Math.log10(Math.max(1, raw)));
  const step = [1, 2, 5, 10].map((by) => by * ten).find((by) => by >= raw) ?? 10 * ten;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
}
