import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { plain } from './plain.ts';
import { Text } from './text.tsx';
import { tip } from './tips.ts';

export type ChipProps = {
  /** Stands before the value, softer: `state`, `branch`. */
  name?: string | undefined;
  value: string;
  onRemove?: (() => void) | undefined;
  onPress?: (() => void) | undefined;
  /** Does not count: why. It is shown struck out. */
  invalid?: string | undefined;
};

/** One value in a row of values. */
export function Chip({ name, value, onRemove, onPress, invalid }: ChipProps): ReactNode {
  const body = (
    <>
      {name === undefined ? null : (
        <>
          <Text value={name} max={40} className="text-soft" />
          <span className="text-soft">=</span>
        </>
      )}
      <Text value={value} max={60} />
    </>
  );
  const label = name === undefined ? plain(value, 60) : `${plain(name, 40)}=${plain(value, 60)}`;
  return (
    <span
      className={`chip ${invalid === undefined ? '' : 'chip-invalid'}`}
      {...(invalid === undefined ? {} : tip(invalid))}
    >
      {onPress ? (
        <button type="button" className="chip-body" onClick={onPress}>
          {body}
        </button>
      ) : (
        <span className="chip-body">{body}</span>
      )}
      {invalid === undefined ? null : <span className="visually-hidden">{invalid}</span>}
      {onRemove ? (
        <button type="button" className="chip-remove" aria-label={words.chip.remove(label)} onClick={onRemove}>
          <X aria-hidden size={12} />
        </button>
      ) : null}
    </span>
  );
}

export type TagsProps = {
  tags: Readonly<Record<string, string>>;
  /** Filters by the pressed tag. */
  onPick?: ((key: string, value: string) => void) | undefined;
  max?: number | undefined;
};

/** `key=value` pairs of a thing. */
export function Tags({ tags, onPick, max = 8 }: TagsProps): ReactNode {
  const all = Object.entries(tags);
  if (all.length === 0) return null;
  return (
    <span className="chips">
      {all.slice(0, max).map(([key, value]) => (
        <Chip key={key} name={key} value={value} onPress={onPick ? () => onPick(key, value) : undefined} />
      ))}
      {all.length > max ? <span className="text-soft">{words.chip.more(all.length - max)}</span> : null}
    </span>
  );
}
