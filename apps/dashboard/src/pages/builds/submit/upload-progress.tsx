import type { ReactNode } from 'react';
import { Button } from '../../../parts/button.tsx';
import { bytes } from '../../../parts/format.ts';
import { Panel } from '../../../parts/panel.tsx';
import { Progress } from '../../../parts/progress.tsx';
import { useNow } from '../../../parts/time.tsx';
import { buildsWords as w } from '../../../words/builds.ts';

/** What the server has acknowledged; `since` by the server's clock. */
export type Sent = { bytes: number; of: number; since: number };

/** How much is on the server's disk. A cut connection goes on from there by itself. */
export function UploadProgress({ sent, onStop }: { sent: Sent; onStop: () => void }): ReactNode {
  const ms = useNow(500) - sent.since;
  const rate = ms < 500 || sent.bytes === 0 ? undefined : (sent.bytes / ms) * 1_000;
  return (
    <Panel
      title={w.submit.uploading}
      actions={
        <Button size="s" onClick={onStop}>
          {w.submit.stop}
        </Button>
      }
    >
      <Progress
        value={sent.of === 0 ? null : sent.bytes / sent.of}
        label={w.submit.uploading}
        note={w.submit.sent(bytes(sent.bytes), bytes(sent.of), rate === undefined ? undefined : bytes(rate))}
      />
    </Panel>
  );
}
