import { lookOf, type StateKind, type Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { Text } from './text.tsx';
import { ToneIcon } from './tone-icon.tsx';

export type StateProps = {
  kind: StateKind;
  /** As the API says it; shown as it is. */
  state: string;
  /** What it is at, in brackets: `running (compiling)`. */
  note?: string | null | undefined;
  /** Shown in place of the state's own name, where people know it by another. */
  word?: string | undefined;
  size?: 's' | 'm' | undefined;
};

/** A state as shape, word and colour (D7). */
export function State({ kind, state, note, word, size = 's' }: StateProps): ReactNode {
  const { tone, mark } = lookOf(kind, state);
  return (
    <span className={`state state-${size} tone-${tone}`} data-state={state}>
      <ToneIcon tone={tone} mark={mark} size={size === 'm' ? 16 : 14} />
      <span className="state-word">{word ?? spaced(state)}</span>
      {note ? (
        <span className="state-note">
          (<Text value={note} max={80} />)
        </span>
      ) : null}
    </span>
  );
}

/** `inCall` and `in_call` are read as words. */
const spaced = (name: string): string =>
  name.replaceAll('_', ' ').replaceAll(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);

/** The same look for what is no state of the tables: a sentence of its own with a tone. */
export function Sign({ tone, children }: { tone: Tone; children: ReactNode }): ReactNode {
  return (
    <span className={`state state-s tone-${tone}`}>
      <ToneIcon tone={tone} />
      <span className="state-word">{children}</span>
    </span>
  );
}
