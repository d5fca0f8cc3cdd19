import { type ReactNode, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { EmptyState, NoRight, NothingMatches } from '../../parts/empty-state.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel, Section } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Meter, Progress } from '../../parts/progress.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Snippet, snippetTabs } from '../../parts/snippet.tsx';
import { TabLinks, TabPanel, Tabs } from '../../parts/tabs.tsx';
import { FailureWhy, WaitingWhy, WhyLine } from '../../parts/why-line.tsx';
import { hostile } from './hostile.ts';

const snippets = snippetTabs({
  curl: 'curl -H "Authorization: Bearer $MUSTER_API_KEY" \\\n  http://127.0.0.1:4000/v1/builds?state=queued',
  cli: 'muster builds list --state queued',
  sdk: "import { Client } from '@muster/client';\n\nconst muster = new Client({ key: process.env.MUSTER_API_KEY });\nfor await (const build of muster.builds.list({ state: 'queued' })) console.log(build.id);",
});

export function Feedback(): ReactNode {
  const [tab, setTab] = useState('timeline');
  const [busy, setBusy] = useState(false);
  return (
    <div className="stack">
      <Section title="Why">
        <div className="stack gap-3">
          <WaitingWhy
            waiting={{
              reason: 'no_matching_worker',
              detail: 'No online worker has xcode=16 (2 offline, last seen 3 h ago).',
              since: new Date(Date.now() - 80_000).toISOString(),
              position: 6,
              etaMs: 240_000,
            }}
          />
          <FailureWhy
            failure={{
              code: 'command_failed',
              detail: 'The command ended with exit code 65.',
              attribution: 'user',
              remedy: 'Read the last lines of the log; the command itself ended with an error.',
              docsUrl: '/docs',
              lastLines: ['error: signing certificate "iPhone Distribution" expired', '** ARCHIVE FAILED **'],
            }}
          />
          <WhyLine
            tone="warn"
            reason={`mac-03 sent no heartbeat for 30 s. ${hostile.script}`}
            who="host"
            remedy="Requeued; look at the worker."
            since={Date.now() - 30_000}
          />
        </div>
      </Section>
      <Section title="Problem">
        <ProblemPanel
          problem={{
            title: 'The list could not be read',
            detail: 'The database did not answer within 5 s.',
            code: 'unavailable',
            reason: 'database_slow',
            requestId: 'req_01k9z7qx4xj2',
            retryAfterMs: 3_000,
            errors: [{ pointer: '/priority', detail: 'at most 100' }],
          }}
          lastGoodAt={Date.now() - 42_000}
          busy={busy}
          onRetry={() => setBusy(!busy)}
        />
      </Section>
      <div className="grid gap-4 md:grid-cols-2">
        <Panel title="Nothing yet">
          <EmptyState
            title="Builds that were submitted stand here."
            detail="A build is an archive, a command, and a worker that runs it."
            action={<Button variant="primary">New build</Button>}
            snippets={snippets}
          />
        </Panel>
        <Panel title="Nothing matches">
          <NothingMatches
            chips={[
              { name: 'state', value: 'failed' },
              { name: 'platform', value: 'ios' },
            ]}
            onClear={() => undefined}
            nearest="12 builds match without platform=ios."
          />
        </Panel>
        <Panel title="No right">
          <NoRight scope="accounts:admin" />
        </Panel>
        <Panel title="First load">
          <Skeleton lines={5} />
        </Panel>
      </div>
      <Panel title="Tabs, snippets">
        <div className="stack">
          <TabLinks
            label="Area"
            items={[
              { to: '/builds', label: 'Builds', count: 4_312, current: true },
              { to: '/builds/queue', label: 'Queue', count: 3, current: false },
              { to: '/builds/workers', label: 'Workers', count: 7, current: false },
            ]}
          />
          <div>
            <Tabs
              label="Run"
              value={tab}
              onChange={setTab}
              items={[
                { key: 'timeline', label: 'Timeline' },
                { key: 'log', label: 'Log', count: 18_204 },
                { key: 'events', label: 'Events', count: 41 },
                { key: 'io', label: 'Input / output' },
                { key: 'cost', label: 'Cost' },
                { key: 'api', label: 'API' },
              ]}
            />
            <TabPanel label="Run" tab={tab} value={tab}>
              <Snippet items={snippets} label="Read this build" />
            </TabPanel>
          </div>
          <Pager
            shown={50}
            total={4_312}
            hasPrevious={false}
            hasNext
            onPrevious={() => undefined}
            onNext={() => undefined}
          />
        </div>
      </Panel>
      <Panel title="Progress">
        <div className="grid gap-4 md:grid-cols-2">
          <Progress value={0.62} label="Build" />
          <Progress value={1} label="Upload" tone="done" />
          <Progress value={null} label="Looking" />
          <Meter used={4.11} reserved={1.2} limit={20} label="Cost today" format={(value) => `$${value.toFixed(2)}`} />
          <Meter used={17} limit={20} label="Near" format={(value) => `$${value.toFixed(2)}`} />
          <Meter used={22} limit={20} label="Over" format={(value) => `$${value.toFixed(2)}`} />
          <Meter used={22} limit={null} label="No limit" />
        </div>
      </Panel>
    </div>
  );
}
