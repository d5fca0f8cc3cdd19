import { type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { CopyButton } from './copy-button.tsx';
import { count } from './format.ts';
import { Text } from './text.tsx';
import './data.css';

export type JsonTreeProps = {
  value: unknown;
  label?: string | undefined;
  /** Levels that are open at first. */
  open?: number | undefined;
};

/** Entries of one level that are drawn before "show more". */
const shownMax = 50;
const depthMax = 64;

/** Any JSON value as a tree that folds. */
export function JsonTree({ value, label = words.json.label, open = 2 }: JsonTreeProps): ReactNode {
  return (
    <div className="json" role="group" aria-label={label}>
      <span className="json-copy">
        <CopyButton text={JSON.stringify(value ?? null, null, 2)} label={words.json.copy} />
      </span>
      <Node value={value} open={open} depth={0} />
    </div>
  );
}

type NodeProps = { name?: string | undefined; value: unknown; open: number; depth: number };

function Node({ name, value, open, depth }: NodeProps): ReactNode {
  if (typeof value !== 'object' || value === null || depth >= depthMax) {
    return (
      <div className="json-leaf">
        <Key name={name} />
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch name={name} value={value} open={open} depth={depth} />;
}

function Branch({ name, value, open, depth }: NodeProps & { value: object }): ReactNode {
  const [shown, setShown] = useState(shownMax);
  const [isOpen, setOpen] = useState(depth < open);
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const [begin, end] = isList ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) {
    return (
      <div className="json-leaf">
        <Key name={name} />
        <span className="json-mark">{`${begin}${end}`}</span>
      </div>
    );
  }
  return (
    <details className="json-branch" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Key name={name} />
        <span className="json-mark">
          {begin}{' '}
          {isOpen ? null : (
            <span className="text-soft">
              {words.json.entries(count(entries.length), entries.length)} {end}
            </span>
          )}
        </span>
      </summary>
      {isOpen ? (
        <div className="json-inside">
          {entries.slice(0, shown).map(([key, each]) => (
            <Node key={key} name={key} value={each} open={open} depth={depth + 1} />
          ))}
          {entries.length > shown ? (
            <button type="button" className="json-more" onClick={() => setShown(shown * 10)}>
              {words.json.more(count(entries.length - shown))}
            </button>
          ) : null}
        </div>
      ) : null}
      {isOpen ? <span className="json-mark">{end}</span> : null}
    </details>
  );
}

function Key({ name }: { name: string | undefined }): ReactNode {
  return name === undefined ? null : (
    <span className="json-key">
      <Text value={name} max={120} />
      <span className="json-mark">: </span>
    </span>
  );
}

function Leaf({ value }: { value: unknown }): ReactNode {
  const [whole, setWhole] = useState(false);
  if (typeof value !== 'string')
    return <span className={`json-${value === null ? 'null' : typeof value}`}>{String(value)}</span>;
  const long = value.length > 500;
  return (
    <span className="json-string">
      <span className="json-mark">"</span>
      <Text value={value} max={whole ? 100_000 : 500} lines />
      <span className="json-mark">"</span>
      {long && !whole ? (
        <button type="button" className="json-more" onClick={() => setWhole(true)}>
          {words.json.whole}
        </button>
      ) : null}
    </span>
  );
}
