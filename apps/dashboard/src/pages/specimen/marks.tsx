import { tones } from '@muster/protocol/tones';
import { RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { Chip, Tags } from '../../parts/chip.tsx';
import { CopyId } from '../../parts/copy-id.tsx';
import { Countdown, Duration, Elapsed } from '../../parts/duration.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Money } from '../../parts/money.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Pill } from '../../parts/pill.tsx';
import { Sign, State } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { hostile } from './hostile.ts';

const since = Date.now() - 252_000;

export function Marks(): ReactNode {
  return (
    <Panel title="States, signs, texts">
      <div className="stack">
        <div className="row flex-wrap gap-6">
          {(['queued', 'assigned', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'] as const).map(
            (state) => (
              <State key={state} kind="build" state={state} note={state === 'running' ? 'compiling' : undefined} />
            ),
          )}
          <State kind="attempt" state="lost" />
          <State kind="build" state="running" size="m" />
        </div>
        <div className="row flex-wrap gap-6">
          {tones.map((tone) => (
            <Sign key={tone} tone={tone}>
              {tone}
            </Sign>
          ))}
        </div>
        <div className="row flex-wrap">
          {tones.map((tone) => (
            <Badge key={tone} tone={tone}>
              {tone}
            </Badge>
          ))}
          <Badge>plain</Badge>
          <Badge hint="Not a real thing">demo</Badge>
        </div>
        <div className="row flex-wrap">
          <Pill tone="done" label="live" detail="0.2 s" />
          <Pill tone="waiting" label="catching up" detail="4,120" />
          <Pill tone="warn" label="stale" detail="12 s" />
          <Pill
            tone="warn"
            label="reconnecting"
            detail="3 s"
            icon={<RotateCw aria-hidden />}
            onPress={() => undefined}
          />
          <Pill tone="off" label="paused" />
          <Chip name="state" value="queued" onRemove={() => undefined} />
          <Chip name="state" value="quued" invalid="not one of queued, running" onRemove={() => undefined} />
          <Tags tags={{ branch: 'main', commit: '4f2a9c1', pr: '1204' }} onPick={() => undefined} />
        </div>
        <Facts
          columns={3}
          items={[
            { label: 'Id', value: <CopyId id="bld_01k9z7qx4xj2mwqp8st6vb1nr5" short to="/builds/x" /> },
            { label: 'Submitted', value: <Time at={since} /> },
            { label: 'Exactly', value: <Time at={since} show="exact" /> },
            { label: 'Elapsed', value: <Elapsed since={since} /> },
            { label: 'Ran', value: <Duration ms={252_000} /> },
            { label: 'Next think', value: <Countdown until={Date.now() + 41_000} /> },
            { label: 'Cost', value: <Money micros={31_000} /> },
            { label: 'Without a price', value: <Money micros={null} /> },
            { label: 'Nothing', value: <Time at={null} /> },
          ]}
        />
        <Facts
          columns={1}
          items={Object.entries(hostile).map(([name, text]) => ({
            label: `Hostile: ${name}`,
            value: <Text value={text} max={120} />,
          }))}
        />
      </div>
    </Panel>
  );
}
