import { expect, test } from 'vitest';
import { type Comment, drawsOf } from '#gallery/model';
import { candidateOf, offersOf, scoreOf } from './candidates.ts';
import type { Done, Recall } from './memory-recall.ts';
import { namedIn, type SeenItem, type World } from './observe.ts';
import { waitingIn } from './observe-replies.ts';
import { mayDo, oddsLeft } from './spacing.ts';

const at = 1_800_000_000_000;
const hour = 3_600_000;
const me = { id: 'gbt_me', username: 'mia' };
const item = (id: string, more: Partial<SeenItem> = {}): SeenItem => ({
  id,
  title: `Item ${id}`,
  description: '',
  category: null,
  tags: [],
  likeCount: 0,
  commentCount: 0,
  viewCount: 0,
  isLiked: false,
  createdAt: at,
  author: { id: 'a', username: 'ann', name: 'Ann', isAgent: true },
  imageUrl: null,
  words: new Set(),
  ...more,
});
const recall = (more: Partial<Recall> = {}): Recall => ({
  thinkNo: 0,
  memories: [],
  relations: new Map(),
  done: [],
  recent: [],
  open: [],
  ...more,
});
const worldOf = (items: SeenItem[], piles: World['piles'] = new Map()): World => ({
  at,
  items,
  byId: new Map(items.map((one) => [one.id, one])),
  byAuthor: Map.groupBy(items, (one) => one.author?.username ?? ''),
  piles,
});
const did = (more: Partial<Done>): Done => ({
  thoughtId: 't',
  kind: 'like',
  itemId: null,
  parentId: null,
  author: null,
  at,
  ...more,
});
const looking = (items: SeenItem[], more: { recall?: Recall; quiet?: string[]; piles?: World['piles'] } = {}) => ({
  bot: me,
  traits: { interests: ['harbor', 'fog'] },
  recall: more.recall ?? recall(),
  world: worldOf(items, more.piles),
  quiet: new Set(more.quiet ?? []),
  at,
});
const draws = () => drawsOf('test');

test('own items, quiet people, unknown authors and what was liked and commented are never offered', () => {
  const items = [
    item('own', { author: { id: 'm', username: 'mia', name: 'Mia' } }),
    item('quiet', { author: { id: 'q', username: 'quiet', name: 'Q' } }),
    item('nobody', { author: null }),
    item('both'),
    item('free'),
  ];
  const done = [did({ itemId: 'both' }), did({ itemId: 'both', kind: 'comment' })];
  const offers = offersOf(looking(items, { recall: recall({ done }), quiet: ['quiet'] }), [], draws());
  expect(offers.map((offer) => offer.item.id)).toEqual(['free']);
});

test('each rule bars its kind alone', () => {
  const items = ['liked', 'twice', 'crowdedWords', 'crowdedLikes'].map((id) => item(id));
  const done = [
    did({ itemId: 'liked' }),
    did({ itemId: 'twice', kind: 'comment' }),
    did({ itemId: 'twice', kind: 'comment' }),
  ];
  const piles = new Map([
    ['crowdedWords', { words: 6, likes: 0 }],
    ['crowdedLikes', { words: 0, likes: 20 }],
  ]);
  const offers = offersOf(looking(items, { recall: recall({ done }), piles }), [], draws());
  const kinds = Object.fromEntries(
    offers.map((offer) => [offer.item.id, (['like', 'comment'] as const).filter((kind) => mayDo(offer, kind))]),
  );
  expect(kinds).toEqual({ liked: ['comment'], twice: ['like'], crowdedWords: ['like'], crowdedLikes: ['comment'] });
});

test('five likes an hour to one author', () => {
  const done = Array.from({ length: 5 }, (_, n) => did({ itemId: `old${n}`, author: 'ann', at: at - n * 600_000 }));
  const [offer] = offersOf(looking([item('x')], { recall: recall({ done }) }), [], draws());
  expect(offer?.barred.like).toBe('spacing');
  const earlier = done.map((one) => ({ ...one, at: one.at - hour }));
  const [later] = offersOf(looking([item('x')], { recall: recall({ done: earlier }) }), [], draws());
  expect(later?.barred.like).toBeUndefined();
});

test('the score adds up as it is written down', () => {
  const parts = looking([]);
  expect(scoreOf(item('new'), parts)).toBeCloseTo(1 + 0.3);
  expect(scoreOf(item('half', { createdAt: at - 12 * hour }), parts)).toBeCloseTo(0.5 + 0.3);
  expect(
    scoreOf(item('person', { author: { id: 'p', username: 'pat', name: 'Pat', isAgent: false } }), parts),
  ).toBeCloseTo(1.8);
  expect(scoreOf(item('fits', { words: new Set(['harbor', 'fog']) }), parts)).toBeCloseTo(1.3 + 1.2);
  const known = {
    ...parts,
    recall: recall({
      relations: new Map([['ann', { person: 'ann', isBot: true, affinity: 0.5, seen: 1, exchanged: 1, lastAt: at }]]),
    }),
  };
  expect(scoreOf(item('friend'), known)).toBeCloseTo(1.3 + 0.4);
});

test('at most six, drawn by weight, whoever waits for an answer first', () => {
  const items = Array.from({ length: 30 }, (_, n) => item(`i${n}`));
  const own = item('own', { author: { id: 'm', username: 'mia', name: 'Mia' }, commentCount: 1 });
  const comment: Comment = {
    id: 'c1',
    content: 'How was it made?',
    createdAt: at,
    author: { id: 'p', username: 'pat', name: 'Pat', isAgent: false },
  };
  const waiting = waitingIn([comment], { item: own, me, fleetSeed: 1, answered: new Set(), quiet: new Set(), at });
  const offers = offersOf(looking([...items, own]), waiting, draws());
  expect(offers).toHaveLength(6);
  expect(offers[0]?.waiting?.comment.id).toBe('c1');
  expect(candidateOf(offers[0] as never, me, recall(), at)).toMatchObject({
    kind: 'reply',
    answers: { commentId: 'c1', username: 'pat' },
  });
  expect(offersOf(looking(items), [], draws()).map((offer) => offer.item.id)).toEqual(
    offersOf(looking(items), [], draws()).map((offer) => offer.item.id),
  );
});

test('who waits: others below the own post, or who calls the bot by name; bots tire of each other', () => {
  const own = item('own', { author: { id: 'm', username: 'mia', name: 'Mia' } });
  const other = item('other');
  const say = (id: string, username: string, content: string, isAgent = true): Comment => ({
    id,
    content,
    createdAt: at,
    author: { id: username, username, name: username, isAgent },
  });
  const of = { me, fleetSeed: 1, answered: new Set<string>(), quiet: new Set<string>(), at };
  const ids = (thread: Comment[], where: SeenItem, more: object = {}) =>
    waitingIn(thread, { ...of, item: where, ...more }).map(({ comment }) => comment.id);
  expect(ids([say('1', 'pat', 'Nice', false)], own)).toEqual(['1']);
  expect(ids([say('1', 'pat', 'Nice', false)], other)).toEqual([]);
  expect(ids([say('1', 'pat', '@mia nice', false)], other)).toEqual(['1']);
  expect(ids([say('1', 'pat', '@ann nice', false)], own)).toEqual([]);
  expect(ids([say('1', 'mia', 'My own')], own)).toEqual([]);
  expect(ids([say('1', 'pat', 'Nice', false)], own, { answered: new Set(['1']) })).toEqual([]);
  expect(ids([say('1', 'pat', 'Nice', false)], own, { quiet: new Set(['pat']) })).toEqual([]);
  expect(ids([say('1', 'pat', 'Nice', false)], own, { at: at + 49 * hour })).toEqual([]);
  const talk = [
    say('1', 'ann', '@mia a'),
    say('2', 'mia', '@ann b'),
    say('3', 'ann', '@mia c'),
    say('4', 'mia', '@ann d'),
  ];
  for (let n = 0; n < 40; n++) expect(ids([...talk, say(`last${n}`, 'ann', '@mia e')], own)).not.toContain(`last${n}`);
  const chances = Array.from({ length: 400 }, (_, n) => ids([say(`x${n}`, 'ann', '@mia a')], own).length).reduce(
    (a, b) => a + b,
    0,
  );
  expect(chances).toBeGreaterThan(150);
  expect(chances).toBeLessThan(250);
});

test('odds of what is left sum to one', () => {
  const odds = { post: 20, comment: 30, reply: 10, like: 40, browse: 0 };
  const left = oddsLeft(odds, { post: 'spacing', like: 'bot_budget' });
  expect(left).toEqual({ comment: 0.75, reply: 0.25 });
  expect(oddsLeft(odds, { post: 'spacing', like: 'x', comment: 'x', reply: 'x' })).toEqual({});
});

test('names in a text', () => expect(namedIn('@Ann, see @old_sam. mail@x @no')).toEqual(['ann', 'old_sam']));
