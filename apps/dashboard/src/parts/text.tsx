import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { count } from './format.ts';
import { cutTo } from './plain.ts';

export type TextProps = {
  value: string;
  /** Characters shown; how many more there are is said. */
  max?: number;
  /** Keeps line breaks. */
  lines?: boolean;
  mono?: boolean;
  className?: string;
};

/** Text that came from outside, as one inert text node that cannot turn the direction of what stands around it. */
export function Text({ value, max = 300, lines = false, mono = false, className = '' }: TextProps): ReactNode {
  const { text, cut } = cutTo(value, max, lines);
  const looks = `${mono ? 'mono ' : ''}${lines ? 'lines ' : ''}${className}`.trim();
  return (
    <bdi className={looks === '' ? undefined : looks}>
      {text}
      {cut > 0 ? <span className="text-soft">{words.text.cut(count(cut))}</span> : null}
    </bdi>
  );
}
