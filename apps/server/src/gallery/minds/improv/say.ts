import type { Candidate, Draws, Situation } from '#gallery/model';
import { asksIfBot } from '#gallery/text';
import { type Move, moves, needs, occasions, type Rule, ruleOf } from './grammar.ts';
import { honestIn, honestMore, honestRules } from './honest.ts';
import { compose, pickRule, type Stage, sentenced, spoken } from './speak.ts';
import { type Scene, type Scrubbed, stageFor } from './stage.ts';

export type Said = { text: string; why: string };

/** A comment on a picture. `undefined`: the persona has nothing to say of it. */
export function sayComment(situation: Situation, scrub: Scrubbed, draws: Draws): Said | undefined {
  const scene = stageFor(situation, scrub, draws);
  const { stage } = scene;
  const order = movesFor(stage);
  for (const move of order) {
    // When it joins what others speak of, first the frames that do.
    const joined = stage.have & needs.talk ? talking(stage.grammar.comments[move]) : undefined;
    const made =
      (joined && compose(joined, stage, { aside: 0.1 })) ??
      compose(stage.grammar.comments[move], stage, { aside: 0.04, opens: true });
    if (made) return { text: made.text, why: whyComment(scene, scrub.candidate, move, made.rule) };
  }
  const bare = compose(bareRules, stage, { aside: 0.5 });
  return bare && { text: bare.text, why: `nothing is known of the picture but that ${candidate(scrub)} made it` };
}

const candidate = ({ candidate: { author } }: Scrubbed): string => (author ? `@${author}` : 'somebody');

/** Of a picture that says nothing of itself, only so much can be said. */
const bareRules = [
  'This one stays with me.',
  'I came back for a second look.',
  'There is more in this than it says.',
  'Quietly done.',
  'I would like to know how this began.',
  'It holds together well.',
  'What did you start with?',
  'Is there a story behind this one?',
  'I looked at this longer than planned.',
  'Something in here is exactly right.',
  'Maybe tell us what it shows; I would read that.',
  'No words beside it, and it manages.',
].map(ruleOf);

const talkingRules = new WeakMap<readonly Rule[], readonly Rule[]>();
function talking(rules: readonly Rule[]): readonly Rule[] {
  let found = talkingRules.get(rules);
  if (!found) {
    found = rules.filter((rule) => rule.needs & needs.talk);
    talkingRules.set(rules, found);
  }
  return found;
}

/** What to do in the next line, most wanted first: drawn by the style, never without some questions and some ideas. */
function movesFor({ style, grammar, draws }: Stage): Move[] {
  const count = (move: Move): number => grammar.comments[move].length;
  const all = moves.reduce((sum, move) => sum + count(move), 0);
  const has = (move: Move, weight: number): number => (count(move) > 0 ? weight : 0);
  const first = draws.weighted<Move>({
    ask: has('ask', Math.max(0.12, style.questions)),
    suggest: has('suggest', Math.max(0.17, count('suggest') / Math.max(1, all))),
    praise: has('praise', 0.6 * style.praise),
    notice: has('notice', Math.max(0.25, 1 - style.questions - 0.6 * style.praise - 0.15)),
  });
  return [...(first ? [first] : []), 'notice', 'praise', 'ask', 'suggest'] as Move[];
}

/** An answer, which names the one it answers. */
export function sayReply(situation: Situation, scrub: Scrubbed, draws: Draws): Said | undefined {
  const { answers } = scrub.candidate;
  if (!answers) return undefined;
  const { stage } = stageFor(situation, scrub, draws);
  const trusted = scrub.heard.length === 0 || scrub.heard.some(({ text }) => text === answers.text);
  if (trusted && asksIfBot(answers.text)) {
    const why = `@${answers.username} asked whether this is a bot, and it is`;
    const other = honestIn[situation.language.toLowerCase().split('-')[0] ?? ''];
    if (other) return { text: `@${answers.username} ${other}`, why };
    const more = pickRule(honestMore, stage);
    const fixed = { ...stage.fixed, yes_more: more ? spoken(more, stage) : '' };
    const rule = pickRule(honestRules, stage);
    if (rule) {
      const text = sentenced(spoken(rule, { ...stage, fixed }), { ...stage, style: { ...stage.style, emoji: 0 } });
      return {
        text: `@${answers.username} ${text}`,
        why,
      };
    }
  }
  // First what fits the occasion; only a remark is answered with what fits any.
  const occasion = stage.have & occasions;
  const fitting = (rule: Rule): boolean => (rule.needs & occasion) !== 0;
  const free = (rule: Rule): boolean => (rule.needs & occasions) === 0;
  const made =
    compose(stage.grammar.replies, stage, { fits: fitting, aside: 0.12 }) ??
    compose(stage.grammar.replies, stage, { fits: free, aside: 0.12 });
  if (!made) return undefined;
  const names = made.text.includes(`@${answers.username}`);
  return {
    text: names ? made.text : `@${answers.username} ${made.text}`,
    why: whyReply(answers.username, occasion, stage),
  };
}

function whyReply(person: string, occasion: number, { thing }: Stage): string {
  const what =
    occasion & needs.question
      ? 'asked something'
      : occasion & needs.thanks
        ? 'said thank you'
        : occasion & needs.idea
          ? 'had an idea'
          : occasion & needs.praise
            ? 'was kind'
            : 'wrote under it';
  return `@${person} ${what}${thing ? ` about ${thing.the}` : ''} and nobody had answered`;
}

function whyComment({ stage, fresh, heard }: Scene, candidate: Candidate, move: Move, rule: Rule): string {
  const verb = { ask: 'asks about', suggest: 'has an idea for', praise: 'likes', notice: 'noticed' }[move];
  const thing = rule.needs & needs.thing ? stage.thing?.the : undefined;
  const what = thing ?? 'the picture';
  if (rule.needs & needs.talk) return `${verb} ${what}, which ${stage.fixed['person'] ?? 'somebody'} brought up`;
  const open = heard.findLast((line) => !line.own && line.text.includes('?'));
  if (open && heard.at(-1) === open) return `${verb} ${what}; nobody answered the question of @${open.author} yet`;
  if (heard.length === 0) return `${verb} ${what}; nobody has said anything here yet`;
  if (fresh && thing)
    return `${verb} ${what}; the ${heard.length === 1 ? 'line' : `${heard.length} lines`} before did not`;
  if (rule.needs & needs.known) return `${verb} ${what}, and remembers @${candidate.author}`;
  return `${verb} ${what}${candidate.authorIsAgent ? '' : ', made by a person'}`;
}
