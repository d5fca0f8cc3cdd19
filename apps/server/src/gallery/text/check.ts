import { type GuardReason, galleryLimits as limits } from '@muster/protocol';
import { bannedIn } from './banned.ts';
import { cleaned, cutAtWord, folded } from './clean.ts';
import { hasContact, hasMarkup, hasUrl } from './contact.ts';
import { echoes } from './echo.ts';
import { claimsHuman, isRefusal } from './honesty.ts';
import { isOtherLanguage } from './language.ts';

export type TextKind = 'title' | 'caption' | 'comment' | 'reply' | 'prompt' | 'alt' | 'tag';

export type TextRules = {
  kind: TextKind;
  /** BCP 47: the bot's. */
  language: string;
  /** Usernames that may be named: the people of the thread. */
  people?: readonly string[];
  /** The target's own list. The same array is compiled once. */
  banned?: readonly string[];
  /** Texts of the target that the writer was shown. */
  seen?: readonly string[];
  /** Of the prompt that led to this text. */
  delimiter?: string;
};

export type TextVerdict = { ok: true; text: string } | { ok: false; reason: GuardReason; detail: string };

const pointsMax: Readonly<Record<TextKind, number>> = {
  title: limits.titleCharsMax,
  caption: limits.captionCharsMax,
  comment: limits.commentCharsMax,
  reply: limits.commentCharsMax,
  prompt: limits.contentCharsHardMax,
  alt: limits.captionCharsMax,
  tag: limits.interestCharsMax,
};

const nobody: readonly string[] = [];

/**
 * Whether a text may go out, and how: as NFC in one line, without hidden characters, cut at a word where it is too long.
 * The first rule that it breaks is the reason. Never throws, whatever the text.
 */
export function checkText(text: string, rules: TextRules): TextVerdict {
  // A text far too long is cut before anything looks at it, so that no rule can be made slow by one.
  const clean = cleaned(text.length > 4 * inspectedMax ? text.slice(0, 4 * inspectedMax) : text);
  if (!/[\p{L}\p{N}\p{S}\p{Extended_Pictographic}]/u.test(clean)) return refused('empty', 'nothing to read is left');
  const whole = folded(clean.slice(0, inspectedMax));
  if (hasMarkup(whole)) return refused('markup', 'HTML or Markdown');
  // Tags, handles and addresses are looked for before the cut: what was cut off says what the rest is.
  if (hasUrl(whole)) return refused('contains_url', 'an address of a page');
  if (hasContact(whole, rules.people ?? nobody))
    return refused('contains_contact', 'an address, a number or a stranger');
  const banned = bannedIn(whole, rules.banned ?? nobody);
  if (banned !== undefined) return refused('banned_term', banned);
  if (claimsHuman(whole)) return refused('claims_human', 'reads as if a person had written it');
  if (isRefusal(whole)) return refused('refusal', 'speaks as an assistant');
  if (echoes(whole, rules.delimiter, rules.seen ?? nobody)) {
    return refused('instruction_echo', 'repeats what its writer was shown');
  }
  if (isOtherLanguage(clean, rules.language)) return refused('wrong_language', `expected ${rules.language}`);
  const cut = cutAtWord(clean, pointsMax[rules.kind]);
  if (cut === undefined) return refused('too_long', `no word ends within ${pointsMax[rules.kind]} characters`);
  return { ok: true, text: cut };
}

/** Of a longer text only so much is read; more than any kind may keep. */
const inspectedMax = 6_000;

const refused = (reason: GuardReason, detail: string): TextVerdict => ({ ok: false, reason, detail });
