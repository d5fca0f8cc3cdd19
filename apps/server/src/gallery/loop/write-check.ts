import { type GuardReason, galleryLimits } from '@muster/protocol';
import type { Decision } from '#gallery/model';
import { admitsBot, asksIfBot, checkText, type Sameness } from '#gallery/text';
import { cutTo } from './observe.ts';
import { sameKey } from './think-id.ts';
import { type Decided, type One, type Planned, seenBy, type Verdict } from './think-one.ts';

/* What was written is checked, whoever wrote it (gallery.md §5.2, §4.3). */

export type Refused = { reason: GuardReason | 'near_duplicate'; text: string };
export type Checked = { planned: Omit<Planned, 'publication'>; decision: Decision } | { refused: Refused };
/** Texts that were accepted and are not said yet, of all thinks on this target. */
export type Pending = Map<string, { kind: 'caption' | 'comment' | 'prompt'; text: string }[]>;

const tagsMax = 4;

/** Reads nothing but memory, so that the order of thinks is the order of their checks. */
export function checkWritten(one: One, decided: Decided, sameness: Sameness, pending: Pending): Checked {
  const { decision, offer } = decided;
  const item = offer?.item ?? null;
  const author = item?.author?.username ?? null;
  const base = { itemId: item?.id ?? null, parentId: null, author };
  const look = new Look(one, sameness, pending);
  switch (decision.do) {
    case 'like':
      return { planned: { ...base, kind: 'like', content: '' }, decision };
    case 'comment': {
      const text = look.at('comment', decision.text, 'comment');
      return look.refused ?? { planned: { ...base, kind: 'comment', content: text }, decision: { ...decision, text } };
    }
    case 'reply': {
      const to = offer?.waiting?.comment;
      const text = look.at('reply', named(decision.text, to?.author?.username ?? 'unknown'), 'comment');
      look.honest(text, to?.content ?? '');
      const planned = {
        ...base,
        kind: 'reply' as const,
        parentId: to?.id ?? null,
        author: to?.author?.username ?? null,
      };
      return look.refused ?? { planned: { ...planned, content: text }, decision: { ...decision, text } };
    }
    case 'post': {
      const prompt = look.at('prompt', decision.prompt, 'prompt');
      const caption = look.at('caption', decision.caption, 'caption');
      const alt = look.optional('alt', decision.alt);
      const tags = decision.tags
        .map((tag) => look.optional('tag', tag))
        .filter(Boolean)
        .slice(0, tagsMax);
      if (look.refused) return look.refused;
      const written = { ...decision, prompt, caption, alt, tags };
      return { planned: { ...base, itemId: null, author: null, kind: 'post', content: caption }, decision: written };
    }
    case 'browse':
    case 'nothing':
    default:
      throw new Error(`invariant broken: ${decision.do} writes nothing`);
  }
}

/** A reply is a comment that names the person: the threads of targets are flat. */
const named = (text: string, username: string): string =>
  text.toLowerCase().includes(`@${username.toLowerCase()}`) ? text : `@${username} ${text}`;

class Look {
  refused: { refused: Refused } | undefined;
  readonly #one: One;
  readonly #sameness: Sameness;
  readonly #pending: Pending;
  readonly #people: readonly string[];
  readonly #thread: readonly string[];
  readonly #shown: readonly string[];

  constructor(one: One, sameness: Sameness, pending: Pending) {
    const { offers } = seenBy(one);
    const offer = one.decided?.offer;
    this.#one = one;
    this.#sameness = sameness;
    this.#pending = pending;
    this.#thread = (offer?.thread ?? []).map(({ content }) => content);
    const people = [offer?.item.author, ...(offer?.thread ?? []).map((comment) => comment.author)];
    this.#people = people.flatMap((person) => (person ? [person.username] : []));
    this.#shown = offers.flatMap(({ item, thread }) => [
      item.title,
      item.description,
      ...(thread ?? []).map(({ content }) => content),
    ]);
  }

  at(kind: 'caption' | 'comment' | 'reply' | 'prompt', text: string, same: SameAs): string {
    if (this.refused) return text;
    const { bot, target, traits } = this.#one;
    const verdict = checkText(text, {
      kind,
      language: traits.language,
      people: this.#people,
      banned: target.banned,
      seen: this.#shown,
    });
    this.#note({ check: kind, ok: verdict.ok, reason: verdict.ok ? null : verdict.reason });
    if (!verdict.ok) {
      this.refused = { refused: { reason: verdict.reason, text: cutTo(text, galleryLimits.contentCharsHardMax) } };
      return text;
    }
    const soon = [...this.#pending.values()].flat().filter((other) => other.kind === same);
    const thread = [...(same === 'comment' ? this.#thread : []), ...soon.map((other) => other.text)];
    const found = this.#sameness.find(verdict.text, { kind: same, botId: bot.id, targetId: sameKey(bot), thread });
    this.#note({ check: `sameness of ${kind}`, ok: !found, reason: found ? 'near_duplicate' : null });
    if (found) this.refused = { refused: { reason: 'near_duplicate', text: verdict.text } };
    return verdict.text;
  }

  /** Asked whether it is a bot, it says so, or nothing: no denial goes out, and no way round the question. */
  honest(text: string, question: string): void {
    if (this.refused || !asksIfBot(question)) return;
    const ok = admitsBot(text);
    this.#note({ check: 'honesty', ok, reason: ok ? null : 'claims_human' });
    if (!ok) this.refused = { refused: { reason: 'claims_human', text } };
  }

  /** Empty when it is not good: no post fails by it. */
  optional(kind: 'alt' | 'tag', text: string): string {
    const { traits, target } = this.#one;
    const verdict = checkText(text, { kind, language: traits.language, banned: target.banned, seen: this.#shown });
    if (text !== '') this.#note({ check: kind, ok: verdict.ok, reason: verdict.ok ? null : verdict.reason });
    return verdict.ok ? verdict.text : '';
  }

  #note(verdict: Verdict): void {
    this.#one.verdicts.push(verdict);
  }
}

type SameAs = 'caption' | 'comment' | 'prompt';
