import { type ReactNode, useMemo, useState } from 'react';
import { Diff } from '../../parts/diff.tsx';
import { Gantt, type GanttRow } from '../../parts/gantt.tsx';
import { JsonTree } from '../../parts/json-tree.tsx';
import { LogTail } from '../../parts/log/log-tail.tsx';
import { LogViewer } from '../../parts/log/log-viewer.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useNow } from '../../parts/time.tsx';
import { demoLog } from './demo-log.ts';
import { hostile } from './hostile.ts';

const t0 = Date.now() - 310_000;
const at = (s: number): number => t0 + s * 1_000;

const rows: readonly GanttRow[] = [
  {
    key: 'queue',
    label: 'In line',
    bars: [
      { key: 'q1', from: at(0), to: at(42), tone: 'waiting', label: 'queued', spoken: 'queued, 42 seconds' },
      { key: 'q2', from: at(131), to: at(150), tone: 'waiting', label: 'again', spoken: 'queued again, 19 seconds' },
    ],
    marks: [
      { at: at(0), label: 'submitted' },
      { at: at(131), label: 'requeued', tone: 'warn' },
    ],
  },
  {
    key: 'a1',
    label: 'Attempt 1',
    bars: [
      {
        key: 'a1s',
        from: at(42),
        to: at(48),
        tone: 'live',
        mark: 'starting',
        label: 'assigned',
        spoken: 'attempt 1, assigned, 6 seconds',
      },
      {
        key: 'a1r',
        from: at(48),
        to: at(130),
        tone: 'failed',
        mark: 'lost',
        label: 'lost',
        spoken: 'attempt 1, lost, 1 minute 22 seconds',
      },
    ],
    leases: [{ from: at(42), to: at(130) }],
    marks: Array.from({ length: 40 }, (_, i) => ({ at: at(48 + i * 2), label: `heartbeat ${i}` })),
  },
  {
    key: 'a2',
    label: 'Attempt 2',
    bars: [
      {
        key: 'a2s',
        from: at(150),
        to: at(154),
        tone: 'live',
        mark: 'starting',
        label: 'assigned',
        spoken: 'attempt 2, assigned',
      },
      { key: 'a2r', from: at(154), to: null, tone: 'live', label: 'running', spoken: 'attempt 2, running' },
    ],
    leases: [{ from: at(150), to: at(330) }],
  },
  {
    key: 'p2',
    label: 'Phases',
    bars: [
      { key: 'p1', from: at(154), to: at(171), tone: 'done', label: 'fetching', spoken: 'fetching, 17 seconds' },
      { key: 'p2', from: at(171), to: at(200), tone: 'done', label: 'pod install', spoken: 'pod install, 29 seconds' },
      { key: 'p3', from: at(200), to: null, tone: 'live', label: 'compiling', spoken: 'compiling' },
    ],
  },
];

const value = {
  id: 'bld_01k9z7qx4xj2mwqp8st6vb1nr5',
  state: 'failed',
  attempts: [
    { term: 1, outcome: 'lost', exitCode: null },
    { term: 2, outcome: 'failed', exitCode: 65 },
  ],
  requires: { xcode: '16' },
  env: {},
  cost: { workerMs: 252_000, storedBytes: 18_400_000 },
  secret: hostile.bidi,
  log: hostile.long,
  ok: true,
  many: Array.from({ length: 240 }, (_, i) => i),
};

export function Big(): ReactNode {
  const log = useMemo(() => demoLog(), []);
  const [anchor, setAnchor] = useState<string | undefined>('L9985-L9988');
  const now = useNow();
  return (
    <div className="stack">
      <Panel title="Timeline">
        <Gantt label="Timeline of the build" rows={rows} now={now} onSelect={() => undefined} />
      </Panel>
      <LogViewer
        source={log}
        name="Log of bld_01k9z7qx"
        anchor={anchor}
        onAnchor={setAnchor}
        height="26rem"
        downloads={[
          { label: 'Raw', href: '#' },
          { label: 'gzip', href: '#' },
        ]}
      />
      <Panel title="Tail of the log" flush>
        <LogTail source={log} to="/builds/x?tab=log" />
      </Panel>
      <div className="grid gap-4 lg:grid-cols-2">
        <Panel title="JSON">
          <JsonTree value={value} open={2} />
        </Panel>
        <Diff
          label="Persona, version 3 to 4"
          names={['version 3', 'version 4']}
          before={{
            name: 'moss_sprites',
            weight: 3,
            mix: { post: 30, comment: 20 },
            vibe: 'calm',
            interests: ['moss', 'rain', 'owls'],
            zone: 'UTC',
            seed: 12,
          }}
          after={{
            name: 'moss_sprites',
            weight: 4,
            mix: { post: 30, comment: 25 },
            vibe: 'calm',
            interests: ['moss', 'rain', 'owls', 'trains'],
            zone: 'UTC',
            seed: 12,
          }}
        />
      </div>
    </div>
  );
}
