/* What leads out of the gallery: markup, addresses, people who are not in the conversation. All look at a folded text. */

const tags =
  /<\/?[a-z!][^<>]{0,200}>|<(?:script|iframe|img|svg|a|style|object|embed)\b|&(?:#x?[0-9a-f]+|lt|gt|quot|amp);/i;
const markdown =
  /!\[[^\]]{0,200}\]\s{0,2}[([]|\[[^\]]{1,200}\]\s?\([^)]{1,400}\)|```|\[\/?(?:img|url|b|i|code)\b[^\]]{0,80}\]/i;
export const hasMarkup = (text: string): boolean => tags.test(text) || markdown.test(text);

const scheme =
  /\b(?:h(?:tt|xx)ps?|ftp|wss?|file|ipfs|magnet|mailto|tel|javascript|data|blob)\s?:\s?\S|\b[a-z][a-z0-9+.-]{1,20}:\/\//i;
const www = /\bwww\d?\s?\.\s?[a-z0-9]/i;
const domain =
  /(?<![\p{L}\p{N}@.])(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+(?:com|net|org|info|biz|io|dev|app|ai|xyz|shop|site|online|store|club|link|click|top|live|tv|gg|ly|eu|ru|cn|uk|fr|jp|br|pl|cz|nl|ch|se|fi|es|pt|рф|me\/|to\/|co\/|in\/|it\/|de)(?![\p{L}\p{N}-])/iu;
const anyPath = /(?<![\p{L}\p{N}@.])[\p{L}\p{N}][\p{L}\p{N}-]{1,61}\.[a-z]{2,10}\/[^\s]/iu;
const hidden =
  /[\p{L}\p{N}-]{2,}\s?[([{]\s?(?:dot|\.|punkt|punto|point)\s?[)\]}]\s?[a-z]{2,}|\b[a-z0-9-]{3,}\s+dot\s+(?:com|net|org|io|app|co|gg|me)\b/iu;
const numeric = /\b(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?::\d{2,5}|\/)/;
export const hasUrl = (text: string): boolean =>
  scheme.test(text) ||
  www.test(text) ||
  hidden.test(text) ||
  (text.includes('.') && (domain.test(text) || anyPath.test(text) || numeric.test(text)));

const email =
  /[\p{L}\p{N}._%+-]+\s?@\s?[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+|\b[\w.+-]+\s*[([{]?\s?\bat\b\s?[)\]}]?\s*[\w-]+\s*[([{]?\s?\bdot\b\s?[)\]}]?\s*(?:com|net|org|io|de|uk|fr|me|co|app|dev|ru|edu|gov)\b/iu;
const elsewhere =
  /\b(?:whats\s?app|telegram|discord|snap\s?chat|instagram|insta|we\s?chat|tik\s?tok|kik|onlyfans)\b\s*(?::|=|@|me\b|is\b|my\b|\+?\d)|\b(?:add|find|follow|reach|text|ping|write)\s+me\s+(?:on|at|via|over)\b|\b(?:dm|pm)\s+me\b|\bmy\s+(?:number|e-?mail|handle|phone)\b/i;
const phone = /(?<![\p{L}\p{N}#])(?:\+|00)?\(?\d[\d\s().\-/]{6,}\d(?![\p{L}\p{N}])/gu;
const grouped = /^\d{1,3}(?:[ ,.]\d{3})+$/;
const dateOrTime = /^\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:\s\d{1,2}(?:[.:]\d{2})?)?$|^\d{1,2}[-./]\d{1,2}[-./]\d{2,4}$/;

function hasPhone(text: string): boolean {
  for (const [found] of text.matchAll(phone)) {
    const digits = found.replaceAll(/\D/g, '').length;
    const plain = found.trim();
    // Fewer than nine digits without a country code are too often a count, a year span or a size.
    if (digits < (plain.startsWith('+') ? 8 : 9) || digits > 16) continue;
    if (!grouped.test(plain) && !dateOrTime.test(plain)) return true;
  }
  return false;
}

const handles = /(?<![\p{L}\p{N}_.])@([\p{L}\p{N}_][\p{L}\p{N}_.-]{0,60})/gu;

/** Handles named in a text, in small letters, without the full stop of a sentence. */
export function handlesIn(text: string): string[] {
  if (!text.includes('@')) return [];
  return [...text.matchAll(handles)].map(([, handle = '']) => handle.toLowerCase().replace(/[.-]+$/, ''));
}

/** E-mail, phone, other networks, and handles of whoever is not among `people`. */
export function hasContact(text: string, people: readonly string[]): boolean {
  if (email.test(text) || elsewhere.test(text)) return true;
  if (/\d/.test(text) && hasPhone(text)) return true;
  return handlesIn(text).some((handle) => !people.some((person) => person.toLowerCase() === handle));
}
