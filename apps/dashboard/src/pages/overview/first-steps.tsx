import type { Checklist } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useConnection } from '../../api/connection.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Progress } from '../../parts/progress.tsx';
import { ToneIcon } from '../../parts/tone-icon.tsx';
import { recall, remember } from '../../shell/preferences.ts';
import { overviewWords as words } from '../../words/overview.ts';

/** What a new installation still needs, by what the server knows; gone when all is done, or when somebody hides it. */
export function FirstSteps(): ReactNode {
  const connection = useConnection();
  const [hidden, hide] = useState(recall('first-steps') === 'hidden');
  const { data } = useQuery({
    queryKey: ['overview', 'checklist'],
    queryFn: ({ signal }) => connection.call<Checklist>('GET', '/v1/checklist', { signal }),
    enabled: !hidden,
    meta: { liveBy: ['builds/events', 'gallery/activity'] },
  });
  if (hidden || !data || data.items.every(({ done }) => done)) return null;
  const next = data.items.find(({ done }) => !done)?.step;
  return (
    <Panel
      title={words.steps}
      note={words.stepsDone(data.done, data.of)}
      actions={
        <Button
          size="s"
          variant="quiet"
          onClick={() => {
            remember('first-steps', 'hidden');
            hide(true);
          }}
        >
          {words.hideSteps}
        </Button>
      }
    >
      <Progress value={data.done / data.of} label={words.stepsDone(data.done, data.of)} />
      <ul className="steps">
        {data.items.map(({ step, done, path }) => (
          <li key={step}>
            <ToneIcon tone={done ? 'done' : 'off'} size={14} {...(done ? { label: words.stepDone } : {})} />
            {done ? <span className="text-soft">{words.step[step]}</span> : <Link to={path}>{words.step[step]}</Link>}
            {step === next ? <Badge tone="live">{words.stepNext}</Badge> : null}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
