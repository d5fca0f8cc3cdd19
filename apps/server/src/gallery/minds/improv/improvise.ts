import { type ActKind, actKinds } from '@muster/protocol';
import type { Candidate, Decision, Draws, Situation } from '#gallery/model';
import { sayPost } from './post.ts';
import { type Said, sayComment, sayReply } from './say.ts';
import { type Suspicions, scrubbed } from './stage.ts';

export type Improvised = { decision: Decision; injectionsSeen: number };

const nothing = (why: string): Decision => ({
  do: 'nothing',
  on: -1,
  why,
  text: '',
  prompt: '',
  caption: '',
  alt: '',
  tags: [],
});

/** One decision with its text. Pure: the same situation and draws give the same, and no text of the target steers it. */
export function improvise(situation: Situation, draws: Draws, suspicions: Suspicions): Improvised {
  const { wanted, candidates } = situation;
  const kind = wanted?.kind ?? draws.weighted<ActKind>(possible(situation));
  if (!kind) return { decision: nothing('there is nothing it could do now'), injectionsSeen: 0 };
  const chosen = wanted?.why ?? `${kind}: ${share(situation, kind)} % by the odds`;
  if (kind === 'post') {
    const post = sayPost(situation, draws);
    if (!post) return { decision: nothing('no kind of picture is left to make'), injectionsSeen: 0 };
    const { why, ...rest } = post;
    return { decision: { ...nothing(cut(`${chosen}; ${why}`)), do: 'post', ...rest }, injectionsSeen: 0 };
  }
  const on = wanted?.on ?? choose(kind, candidates, draws);
  const candidate = candidates[on];
  if (!candidate) {
    if (kind === 'browse')
      return { decision: { ...nothing(cut(`${chosen}; nothing new to look at`)), do: 'browse' }, injectionsSeen: 0 };
    return { decision: nothing(cut(`${chosen}, but nothing is there to ${kind}`)), injectionsSeen: 0 };
  }
  const scrub = scrubbed(candidate, suspicions);
  const about = (do_: ActKind, said: Said): Improvised => ({
    decision: { ...nothing(cut(`${chosen}; ${said.why}`)), do: do_, on, text: said.text },
    injectionsSeen: scrub.suspects,
  });
  if (kind === 'like') return about('like', { text: '', why: whyLiked(candidate, situation) });
  if (kind === 'browse') return about('browse', { text: '', why: `looked at ${named(scrub.candidate)}` });
  const said = kind === 'reply' ? sayReply(situation, scrub, draws) : sayComment(situation, scrub, draws);
  if (said) return about(kind, said);
  return { decision: { ...nothing(cut(`${chosen}, but found no words for it`)), on }, injectionsSeen: scrub.suspects };
}

/** The odds without the kinds that have nothing to be done to. */
function possible({ odds, candidates }: Situation): Partial<Record<ActKind, number>> {
  const some = { reply: false, comment: false, like: false };
  for (const candidate of candidates) {
    if (candidate.kind === 'reply' && candidate.answers) some.reply = true;
    if (candidate.kind === 'item') some.comment = true;
    if (candidate.kind === 'item' && !candidate.liked) some.like = true;
  }
  const left: Partial<Record<ActKind, number>> = {};
  for (const kind of actKinds) {
    if (kind === 'post' || kind === 'browse' || some[kind]) left[kind] = odds[kind] ?? 0;
  }
  return left;
}

function choose(kind: ActKind, candidates: readonly Candidate[], draws: Draws): number {
  const weights: Record<string, number> = {};
  for (const [at, candidate] of candidates.entries()) {
    const fits =
      kind === 'reply'
        ? candidate.answers !== undefined
        : candidate.kind === 'item' && !(kind === 'like' && candidate.liked);
    if (fits) weights[at] = Math.max(0.05, candidate.score);
  }
  const at = draws.weighted(weights);
  return at === undefined ? -1 : Number(at);
}

function whyLiked(candidate: Candidate, { interests }: Situation): string {
  const about = [candidate.title, ...candidate.tags, ...candidate.facts].join(' ').toLowerCase();
  const interest = interests.find((one) => about.includes(one.toLowerCase()));
  if (interest) return `it has to do with ${interest}`;
  if (!candidate.authorIsAgent) return 'a person made it';
  return candidate.ageHours < 2 ? 'it is new' : 'it scored highest of what was there';
}

const named = ({ title, author }: Candidate): string => {
  const plain = title.trim().slice(0, 60);
  return plain ? `“${plain}” by @${author}` : `something by @${author}`;
};

function share({ odds }: Situation, kind: ActKind): number {
  const sum = actKinds.reduce((total, one) => total + (odds[one] ?? 0), 0);
  return sum === 0 ? 0 : Math.round((100 * (odds[kind] ?? 0)) / sum);
}

const whyMax = 160;
const cut = (why: string): string => (why.length <= whyMax ? why : `${why.slice(0, whyMax - 1)}…`);
