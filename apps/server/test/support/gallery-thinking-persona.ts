import type { Persona } from '@muster/protocol';
const many = (n: number, of: (i: number) => string) => Array.from({ length: n }, (_, i) => of(i));
export const standIn = (id: string): Persona => ({
  id, title: id, weight: 1, tier: 'power', timezone: 'UTC', curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1)),
  odds: { post: 20, comment: 25, reply: 20, like: 25, browse: 10 }, language: 'en', personality: 'A quiet drawer of bays and boats.', vibe: 'calm',
  interests: ['harbor', 'fog', 'boats', 'gulls', 'tide', 'lamps'],
  style: { lengthWords: [5, 16], register: 'plain', emoji: 0.1, questions: 0.3, praise: 0.3, punctuation: 'full' },
  recipes: { landscape: 2, pattern: 1, pixel: 1 }, usernamePrefix: id.slice(0, 8), nameParts: [many(14, (i) => `Nora${'abcdefghijklmnop'[i]}`), many(14, (i) => `Quay${'abcdefghijklmnop'[i]}`)],
  motifs: many(24, (i) => ['fog bank', 'slack tide', 'red buoy', 'gull row', 'old pier', 'lamp post', 'rope coil', 'grey boat'][i % 8] + ' ' + ['north', 'south', 'inner', 'outer'][i % 4]),
  captionFrames: many(12, (i) => `The {thing} {verb} by the {place}, ${['early', 'late', 'again', 'twice', 'slowly', 'alone', 'at noon', 'at dusk', 'today', 'since rain', 'in wind', 'unseen'][i]}.`),
  commentFrames: many(16, (i) => `${['Look how', 'Odd that', 'Fine that', 'Notice how', 'Strange how', 'Good that', 'Curious how', 'Nice how', 'I see that', 'Quiet how', 'Lovely how', 'Sharp how', 'Soft how', 'Bold how', 'Calm how', 'Plain how'][i]} the {thing} {verb} near the {place}.`),
  replyFrames: many(8, (i) => `${['True', 'Thanks', 'Indeed', 'Perhaps', 'Yes', 'Hm', 'Right', 'Well'][i]}, the {thing} {verb} at the {place}.`),
  promptFrames: many(12, (i) => `a {thing} by the {place} ${['at dawn', 'in fog', 'at night', 'in rain', 'in wind', 'at noon', 'in snow', 'at dusk', 'from above', 'far off', 'close up', 'in calm'][i]}`),
  lexicon: {
    thing: ['buoy', 'gull', 'rope', 'mast', 'lamp', 'anchor', 'oar', 'net', 'crate', 'sail', 'plank', 'bell'],
    verb: ['leans', 'waits', 'drifts', 'rests', 'glows', 'turns', 'sleeps', 'listens', 'sways', 'holds'],
    place: ['pier', 'bay', 'quay', 'shore', 'slip', 'jetty', 'cove', 'dock', 'ramp', 'reef'],
  },
});
