import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';

const widths = ['72%', '94%', '58%', '83%', '66%'];

/** Room kept for what loads the first time; later loads keep what was there. */
export function Skeleton({ lines = 3 }: { lines?: number | undefined }): ReactNode {
  return (
    <div className="skeleton" role="status">
      <span className="visually-hidden">{words.skeleton.loading}</span>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} aria-hidden style={{ width: widths[i % widths.length] }} />
      ))}
    </div>
  );
}
