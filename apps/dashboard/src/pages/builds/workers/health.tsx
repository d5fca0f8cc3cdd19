import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { Badge } from '../../../parts/badge.tsx';

const tones: Readonly<Record<string, Tone>> = { healthy: 'done', warning: 'warn', critical: 'failed' };

/** What a worker last said of itself. */
export function Health({ status }: { status: string | undefined }): ReactNode {
  return status === undefined ? (
    <span className="text-soft">–</span>
  ) : (
    <Badge tone={tones[status] ?? 'off'}>{status}</Badge>
  );
}
