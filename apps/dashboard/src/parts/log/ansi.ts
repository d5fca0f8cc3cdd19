import { visible } from '../plain.ts';

/*
 * One line of terminal output as spans with looks. Colours and styles (SGR), links (OSC 8 and bare addresses) and
 * overwriting by carriage return are understood; every other escape sequence is dropped. A sequence that never ends is no
 * sequence: its first character is shown and the rest is text, so that nothing can hide what follows.
 */

/** An index of the terminal's 256 colours, or red, green and blue. */
export type Colour = number | readonly [number, number, number];

export type Look = {
  fg?: Colour;
  bg?: Colour;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  strike?: true;
};
export type Span = { text: string; look: Look; href?: string };

const plainLook: Look = {};

type Cell = { char: string; look: Look; href: string | undefined };

export function spansOf(line: string): Span[] {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  const raw = /[\u001b\r]/.test(text) ? joined(cellsOf(text)) : text === '' ? [] : [{ text, look: plainLook }];
  // A tab is room; a line break inside a line is nothing a line may hold.
  return raw.flatMap(linked).map((span) => ({ ...span, text: visible(span.text, true).replaceAll('\n', '\u240a') }));
}

/** The text alone, as it stands on the screen: what searching and copying mean. */
export const textOf = (line: string): string =>
  spansOf(line)
    .map(({ text }) => text)
    .join('');

function cellsOf(text: string): Cell[] {
  const cells: Cell[] = [];
  let at = 0;
  let look = plainLook;
  let href: string | undefined;
  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i);
    if (code === 0x0d) {
      at = 0;
      i += 1;
      continue;
    }
    const escape = code === 0x1b ? escapeAt(text, i) : undefined;
    if (escape) {
      i = escape.end;
      if (escape.kind === 'sgr') look = styled(look, escape.codes);
      else if (escape.kind === 'link') href = escape.href;
      else if (escape.kind === 'erase') erase(cells, at, escape.mode);
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(i) ?? 0);
    cells[at] = { char, look, href };
    at += 1;
    i += char.length;
  }
  return cells;
}

function erase(cells: Cell[], at: number, mode: number): void {
  if (mode === 0) cells.length = Math.min(cells.length, at);
  else
    for (let i = 0; i < (mode === 1 ? Math.min(at + 1, cells.length) : cells.length); i += 1)
      cells[i] = { char: ' ', look: plainLook, href: undefined };
}

type Escape =
  | { kind: 'sgr'; codes: readonly string[]; end: number }
  | { kind: 'erase'; mode: number; end: number }
  | { kind: 'link'; href: string | undefined; end: number }
  | { kind: 'other'; end: number };

const csi = /\u001b\[([0-?]*)[ -/]*([@-~])/y;
const string = /\u001b([\]PX^_])([^\u0007\u001b]*)(?:\u0007|\u001b\\)/y;
const short = /\u001b[ -/]*[0-Z\\`-~]/y;

function escapeAt(text: string, i: number): Escape | undefined {
  csi.lastIndex = i;
  const control = csi.exec(text);
  if (control) {
    const [all, params = '', final = ''] = control;
    const end = i + all.length;
    if (final === 'm' && /^[0-9;:]*$/.test(params)) return { kind: 'sgr', codes: params.split(';'), end };
    if (final === 'K' && /^[012]?$/.test(params)) return { kind: 'erase', mode: Number(params), end };
    return { kind: 'other', end };
  }
  string.lastIndex = i;
  const told = string.exec(text);
  if (told) {
    const [all, kind = '', body = ''] = told;
    const end = i + all.length;
    const link = kind === ']' ? /^8;[^;]*;(.*)$/s.exec(body) : null;
    return link ? { kind: 'link', href: safeHref(link[1] ?? ''), end } : { kind: 'other', end };
  }
  // `[` and the string openers are no short sequences: they would have ended above.
  if (/[[\]PX^_]/.test(text[i + 1] ?? '')) return undefined;
  short.lastIndex = i;
  const two = short.exec(text);
  return two ? { kind: 'other', end: i + two[0].length } : undefined;
}

const flags = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse', 9: 'strike' } as const;
const offs: Readonly<Record<number, readonly (keyof Look)[]>> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike'],
  39: ['fg'],
  49: ['bg'],
};

function styled(before: Look, codes: readonly string[]): Look {
  let look: Look = { ...before };
  for (let i = 0; i < codes.length; i += 1) {
    const part = codes[i] ?? '';
    const [head = '', ...subs] = part.split(':');
    const code = Number(head);
    if (code === 0) look = {};
    else if (code === 38 || code === 48) {
      const [colour, used] =
        subs.length > 0 ? [colourOf(subs.filter((sub) => sub !== '')), 0] : colourFrom(codes.slice(i + 1));
      i += used;
      if (colour !== undefined) look[code === 38 ? 'fg' : 'bg'] = colour;
    } else if (code in flags) {
      // `4:0` is an underline that ends.
      if (code === 4 && subs[0] === '0') delete look.underline;
      else look[flags[code as keyof typeof flags]] = true;
    } else if (offs[code]) for (const key of offs[code]) delete look[key];
    else if (code >= 30 && code <= 37) look.fg = code - 30;
    else if (code >= 40 && code <= 47) look.bg = code - 40;
    else if (code >= 90 && code <= 97) look.fg = code - 82;
    else if (code >= 100 && code <= 107) look.bg = code - 92;
  }
  return look;
}

/** The colour after 38 or 48, and how many of the codes it took. */
function colourFrom(codes: readonly string[]): [Colour | undefined, number] {
  if (codes[0] === '5') return [colourOf(codes.slice(0, 2)), 2];
  if (codes[0] === '2') return [colourOf(codes.slice(0, 4)), 4];
  return [undefined, 0];
}

function colourOf(parts: readonly string[]): Colour | undefined {
  const [kind, ...rest] = parts.map(Number);
  const isByte = (value: number | undefined): value is number =>
    value !== undefined && Number.isInteger(value) && value >= 0 && value <= 255;
  if (kind === 5) return isByte(rest[0]) ? rest[0] : undefined;
  if (kind !== 2) return undefined;
  // With a colour space in front (`38:2::r:g:b` has an empty one, which is gone by now).
  const [r, g, b] = rest.slice(-3);
  return isByte(r) && isByte(g) && isByte(b) ? [r, g, b] : undefined;
}

function joined(cells: readonly (Cell | undefined)[]): Span[] {
  const spans: Span[] = [];
  for (let i = 0; i < cells.length; i += 1) {
    const { char, look, href } = cells[i] ?? { char: ' ', look: plainLook, href: undefined };
    const last = spans.at(-1);
    if (last && last.look === look && last.href === href) last.text += char;
    else spans.push(href === undefined ? { text: char, look } : { text: char, look, href });
  }
  return spans;
}

const address = /https?:\/\/[^\s<>"'`\u0000-\u001f]{1,2000}/g;

/** Bare addresses become links; marks that end a sentence do not belong to them. */
function linked(span: Span): Span[] {
  if (span.href !== undefined || !span.text.includes('://')) return [span];
  const parts: Span[] = [];
  let done = 0;
  for (const found of span.text.matchAll(address)) {
    const text = trimmed(found[0]);
    const href = safeHref(text);
    if (href === undefined) continue;
    if (found.index > done) parts.push({ text: span.text.slice(done, found.index), look: span.look });
    parts.push({ text, look: span.look, href });
    done = found.index + text.length;
  }
  if (done < span.text.length) parts.push({ text: span.text.slice(done), look: span.look });
  return parts;
}

function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && /[.,;:!?)\]}]/.test(text[end - 1] ?? '')) {
    // A bracket that was opened inside belongs to it.
    if (text[end - 1] === ')' && text.slice(0, end).includes('(')) break;
    end -= 1;
  }
  return text.slice(0, end);
}

/** Only http and https lead anywhere. */
function safeHref(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  try {
    return new URL(text).href;
  } catch {
    return undefined;
  }
}
