/** One statement of a file, without its leading comments. */
export type Piece = { text: string; line: number };

const dollarTag = /^\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$/;

/**
 * Cuts a file into its statements, for people to read: quotes, dollar quotes and comments are respected. Running needs
 * no cutting, Postgres takes the file whole.
 */
export function splitStatements(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  const push = (to: number): void => {
    const raw = text.slice(from, to);
    const bare = raw.replace(/^(\s+|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)+/, '');
    if (bare.trim())
      pieces.push({ text: bare.trim(), line: text.slice(0, from + raw.length - bare.length).split('\n').length });
    from = to + 1;
  };
  for (let i = 0; i < text.length; ) {
    const end = endOfQuoted(text, i);
    if (end > i) i = end;
    else {
      if (text[i] === ';') push(i);
      i++;
    }
  }
  push(text.length);
  return pieces;
}

/** Where the quote or comment that starts at `i` ends; `i` itself when none starts there. */
function endOfQuoted(text: string, i: number): number {
  const after = (found: number, length: number): number => (found < 0 ? text.length : found + length);
  if (text.startsWith('--', i)) return after(text.indexOf('\n', i), 1);
  if (text.startsWith('/*', i)) return after(text.indexOf('*/', i + 2), 2);
  const quote = text[i];
  if (quote === "'" || quote === '"') return after(text.indexOf(quote, i + 1), 1);
  if (quote !== '$') return i;
  const tag = dollarTag.exec(text.slice(i, i + 66))?.[0];
  return tag ? after(text.indexOf(tag, i + tag.length), tag.length) : i;
}
