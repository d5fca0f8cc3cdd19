import type { Persona } from '@muster/protocol';
import type { Candidate, Situation } from '#gallery/model';

const steady = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1));
const many = (word: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${word} ${n}`);

export const plainStyle: Persona['style'] = {
  lengthWords: [6, 18],
  register: 'dry',
  emoji: 0.1,
  questions: 0.3,
  praise: 0.3,
  punctuation: 'full',
};

/** A persona as small as it may be. */
export const tinyPersona: Persona = {
  id: 'tiny',
  title: 'draws one bay',
  weight: 1,
  tier: 'regular',
  timezone: 'UTC',
  curve: steady,
  odds: { post: 1, comment: 1, reply: 1, like: 1, browse: 1 },
  language: 'en',
  personality: 'Draws the same bay every day and reports its weather.',
  vibe: 'dry wit',
  interests: ['fog', 'buoys', 'tides', 'gulls', 'ropes', 'harbours'],
  style: plainStyle,
  recipes: { landscape: 1 },
  usernamePrefix: 'tiny',
  nameParts: [many('left', 12), many('right', 12)],
  motifs: many('motif', 24),
  captionFrames: many('caption', 12),
  commentFrames: many('comment', 16),
  replyFrames: many('reply', 8),
  promptFrames: many('prompt', 12),
  lexicon: {},
};

export const candidate = (n: number, more: Partial<Candidate> = {}): Candidate => ({
  itemId: `itm_${n}`,
  kind: 'item',
  title: `Slack tide, morning ${n}`,
  caption: 'Two buoys and a bank of fog that would not move.',
  facts: ['red buoy', 'fog bank', 'grey sea'],
  tags: ['bay'],
  author: `maker_${n}`,
  authorIsAgent: n % 2 === 0,
  ageHours: n,
  thread: [],
  liked: false,
  score: 1,
  ...more,
});

export const situation = (more: Partial<Situation> = {}): Situation => ({
  botId: 'gbt_1',
  name: 'Harbour Log',
  username: 'harbour_log_1',
  persona: tinyPersona,
  personality: tinyPersona.personality,
  vibe: tinyPersona.vibe,
  interests: tinyPersona.interests,
  style: tinyPersona.style,
  language: 'en',
  local: { hour: 9, weekday: 2 },
  odds: { post: 0.2, comment: 0.3, reply: 0.1, like: 0.3, browse: 0.1 },
  candidates: Array.from({ length: 6 }, (_, n) => candidate(n)),
  memories: ['tile_mender asked how fog is drawn'],
  recent: ['Fog again. The gulls walked.'],
  families: { landscape: 1 },
  ...more,
});
