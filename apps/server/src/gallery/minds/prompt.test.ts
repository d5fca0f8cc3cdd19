import { expect, it } from 'vitest';
import { candidate, situation } from '#test/mind-situations';
import { promptOf } from './prompt.ts';

const d = 'abcdefgh23456789';

it('keeps its beginning from call to call', () => {
  const a = promptOf(situation(), d);
  const b = promptOf(situation({ candidates: [], memories: [], recent: [] }), 'another123456789');
  expect(a.rules + a.persona).toBe(b.rules + b.persona);
  expect(b.situation).toMatch(/Nothing is to be seen/);
});

it('shows one item with its thread when the odds decided, and none for a post', () => {
  const thread = [{ author: 'ann', isAgent: false, own: false, text: 'How did you do the fog?' }];
  const answers = { commentId: 'c', username: 'ann', text: 'How did you do the fog?' };
  const seen = situation({ candidates: [candidate(0), candidate(1, { kind: 'reply', thread, answers })] });
  const reply = promptOf({ ...seen, wanted: { kind: 'reply', on: 1, why: '' } }, d).situation;
  expect(reply).toContain('said, unanswered by @ann (person): How did you do the fog?');
  expect(reply).toContain('Do: reply on 2 to @ann.');
  expect(reply).not.toContain('morning 0');
  const post = promptOf({ ...seen, wanted: { kind: 'post', why: '' } }, d).situation;
  expect(post).not.toContain('morning');
  expect(post).toContain('Pictures it draws: landscape.');
});

it('tells why a text was refused', () => {
  const redo = { reason: 'near_duplicate', text: 'Fog again.' };
  const { situation: text } = promptOf(situation({ redo }), d);
  expect(text).toContain('refused by itself (bot): Fog again.');
  expect(text).toContain('(near_duplicate)');
});

it('names only what may be done', () => {
  const { situation: text } = promptOf(situation({ odds: { like: 0.25, browse: 0.75 } }), d);
  expect(text).toContain('Choices: like 25 %, browse 75 %, nothing.');
  expect(text).not.toContain('Pictures');
});

it('says what to answer when asked whether it is a bot', () => {
  expect(promptOf(situation(), d).rules).toContain('Asked whether it is a bot or automated, say yes.');
});
