import { type ReactNode, useMemo, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { count } from './format.ts';
import { type DiffLine, diffLines } from './line-diff.ts';
import { visible } from './plain.ts';
import './data.css';

export type DiffProps = {
  /** Text, or anything JSON can say. */
  before: unknown;
  after: unknown;
  label: string;
  /** What the two sides are called. */
  names?: readonly [string, string] | undefined;
};

/** Lines of what is the same that stay around a change. */
const around = 3;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 2));

/** What changed, line by line; what did not is folded. */
export function Diff({ before, after, label, names = [words.diff.before, words.diff.after] }: DiffProps): ReactNode {
  const parts = useMemo(() => folded(diffLines(textOf(before), textOf(after))), [before, after]);
  const all = parts.flat();
  const [gone, fresh] = [
    all.filter(({ kind }) => kind === 'gone').length,
    all.filter(({ kind }) => kind === 'new').length,
  ];
  return (
    <figure className="diff" aria-label={label}>
      <figcaption>
        <span>
          {names[0]} → {names[1]}
        </span>
        <span className="num">
          {gone + fresh === 0 ? words.diff.same : words.diff.counts(count(fresh), count(gone))}
        </span>
      </figcaption>
      <div className="diff-lines" tabIndex={0} role="region" aria-label={label}>
        {parts.map((lines, i) => (
          <Part key={i} lines={lines} />
        ))}
      </div>
    </figure>
  );
}

function Part({ lines }: { lines: readonly DiffLine[] }): ReactNode {
  const [open, setOpen] = useState(lines[0]?.kind !== 'same' || lines.length <= 2 * around + 1);
  if (!open) {
    return (
      <button type="button" className="diff-fold" onClick={() => setOpen(true)}>
        {words.diff.folded(count(lines.length))}
      </button>
    );
  }
  return lines.map((line) => (
    <div key={`${line.before ?? ''}/${line.after ?? ''}`} className={`diff-line diff-${line.kind}`}>
      <span className="diff-number" aria-hidden>
        {line.before}
      </span>
      <span className="diff-number" aria-hidden>
        {line.after}
      </span>
      <span className="diff-sign">
        {line.kind === 'gone' ? '−' : line.kind === 'new' ? '+' : ' '}
        <span className="visually-hidden">{words.diff.kinds[line.kind]}</span>
      </span>
      <span className="diff-text">{visible(line.text.slice(0, 10_000), true)}</span>
    </div>
  ));
}

/** Changes with what stands around them, and runs of sameness between. */
function folded(lines: readonly DiffLine[]): DiffLine[][] {
  const near = lines.map(() => false);
  for (const [i, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    for (let at = Math.max(0, i - around); at <= Math.min(lines.length - 1, i + around); at += 1) near[at] = true;
  }
  const parts: DiffLine[][] = [];
  let last: boolean | undefined;
  for (const [i, line] of lines.entries()) {
    if (near[i] === last) parts.at(-1)?.push(line);
    else parts.push([line]);
    last = near[i];
  }
  // A part near a change may begin with sameness; it is open all the same.
  return parts.flatMap((part) => (part.some(({ kind }) => kind !== 'same') ? split(part) : [part]));
}

/** So that no open part begins with a line that folds it. */
function split(part: DiffLine[]): DiffLine[][] {
  const first = part.findIndex(({ kind }) => kind !== 'same');
  return first <= 0 ? [part] : [part.slice(0, first), part.slice(first)];
}
