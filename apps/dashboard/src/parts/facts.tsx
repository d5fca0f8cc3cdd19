import type { ReactNode } from 'react';

export type Fact = { label: string; value: ReactNode /** Takes the whole width. */; wide?: boolean | undefined };
export type FactsProps = { items: readonly Fact[]; columns?: 1 | 2 | 3 | undefined };

/** What is known of a thing: names and values in columns. */
export function Facts({ items, columns = 2 }: FactsProps): ReactNode {
  return (
    <dl className={`facts facts-${columns}`}>
      {items.map(({ label, value, wide }) => (
        <div key={label} className={wide ? 'fact fact-wide' : 'fact'}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
