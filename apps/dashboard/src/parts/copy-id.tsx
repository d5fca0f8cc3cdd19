import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { CopyButton } from './copy-button.tsx';
import { shortId } from './format.ts';
import { Link } from './nav.tsx';
import { plain } from './plain.ts';
import { tip } from './tips.ts';

export type CopyIdProps = {
  id: string;
  /** Only the end, which is what differs; the whole id on hover. */
  short?: boolean | undefined;
  to?: string | undefined;
};

/** An id with a button that copies it whole. */
export function CopyId({ id, short = false, to }: CopyIdProps): ReactNode {
  const whole = plain(id, 120);
  const text = short ? plain(shortId(id), 120) : whole;
  const more = short ? tip(whole) : {};
  return (
    <span className="copy-id">
      {to === undefined ? (
        <span className="mono clip" {...more}>
          {text}
        </span>
      ) : (
        <Link to={to} className="mono clip" {...more}>
          {text}
        </Link>
      )}
      <CopyButton text={id} label={words.copy.id} />
    </span>
  );
}
