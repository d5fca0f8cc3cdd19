import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { count, percent } from './format.ts';
import { Text } from './text.tsx';
import './data.css';

export type ShareBarProps = {
  label: string;
  parts: readonly { label: string; value: number; tone?: Tone | undefined }[];
  /** How a value is told; its share of all by default. */
  format?: ((value: number, share: number) => string) | undefined;
  /** In rows of lists: the bar alone; its names and shares on hover and for voices. */
  compact?: boolean | undefined;
};

const order: readonly Tone[] = ['live', 'done', 'waiting', 'warn', 'failed', 'off'];

/** Parts of a whole in one bar, each with its name and share beside it. */
export function ShareBar({
  label,
  parts,
  format = (_, share) => percent(share),
  compact = false,
}: ShareBarProps): ReactNode {
  const whole = parts.reduce((sum, part) => sum + Math.max(0, part.value), 0);
  const all = parts.map((part, i) => ({
    ...part,
    tone: part.tone ?? order[i % order.length] ?? 'off',
    share: whole === 0 ? 0 : Math.max(0, part.value) / whole,
  }));
  const told = all
    .flatMap(({ label: name, value, share }) => (share === 0 ? [] : [`${name} ${format(value, share)}`]))
    .join(', ');
  return (
    <div className="share" role="group" aria-label={`${label}, ${count(whole)}`} title={compact ? told : undefined}>
      <div className="share-bar" aria-hidden>
        {all.map(({ label: name, tone, share }, i) =>
          share === 0 ? null : (
            <span key={name} data-index={i} className={`tone-${tone}`} style={{ flexGrow: share * 1_000 }} />
          ),
        )}
      </div>
      <ul className={compact ? 'visually-hidden' : 'share-key'}>
        {all.map(({ label: name, tone, value, share }) => (
          <li key={name} className={`tone-${tone}`}>
            <Text value={name} max={40} />
            <span className="num text-soft">{format(value, share)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
