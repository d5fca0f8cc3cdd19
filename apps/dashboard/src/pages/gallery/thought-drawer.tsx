import type { GalleryThought } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Button } from '../../parts/button.tsx';
import { CopyId } from '../../parts/copy-id.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { Facts } from '../../parts/facts.tsx';
import { JsonTree } from '../../parts/json-tree.tsx';
import { Section } from '../../parts/panel.tsx';
import { Sign, State } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { useAct } from './act.ts';
import { fleetQuery, thoughtQuery } from './data.ts';
import { Loaded } from './loaded.tsx';
import { BlobPicture } from './picture.tsx';
import { PostLink } from './sandbox-link.tsx';
import { ThoughtBody } from './thought-body.tsx';

const words = galleryWords.thought;

/** One think from its reason to its effect, beside the list it was opened from. */
export function ThoughtDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }): ReactNode {
  return (
    <Drawer
      open={id !== undefined}
      onClose={onClose}
      title={words.title}
      width="l"
      note={id === undefined ? undefined : <CopyId id={id} />}
    >
      {id === undefined ? null : <Thought id={id} />}
    </Drawer>
  );
}

function Thought({ id }: { id: string }): ReactNode {
  const query = useQuery(thoughtQuery(useClient(), id));
  return <Loaded query={query}>{(thought) => <Shown thought={thought} />}</Loaded>;
}

function Shown({ thought }: { thought: GalleryThought }): ReactNode {
  const { data: fleet } = useQuery(fleetQuery(useClient()));
  const { decision, action, activity } = thought;
  const targetId = action?.targetId ?? activity.find(({ data }) => data.targetId !== undefined)?.data.targetId;
  const inSandbox = fleet?.targets.find((target) => target.id === targetId)?.kind === 'sandbox';
  return (
    <div className="stack">
      {decision ? (
        <p className="m-0 text-lg">
          <Text value={decision.why} max={400} />
        </p>
      ) : null}
      <Ledger thought={thought} inSandbox={inSandbox} />
      {decision ? <ThoughtBody decision={decision} inSandbox={inSandbox} /> : null}
      <Section title={words.feed}>
        <ul className="m-0 list-none p-0">
          {activity.map(({ id, emoji, message, at }) => (
            <li key={id}>
              <span aria-hidden>{emoji}</span> <Text value={message} max={600} />{' '}
              <Time at={at} className="text-sm text-soft" />
            </li>
          ))}
        </ul>
      </Section>
      {decision ? (
        <Section title={words.raw}>
          <JsonTree value={decision.body} label={words.raw} open={1} />
        </Section>
      ) : null}
    </div>
  );
}

function Ledger({ thought, inSandbox }: { thought: GalleryThought; inSandbox: boolean }): ReactNode {
  const client = useClient();
  const toast = useToast();
  const { reason: noRight } = useMay('gallery:operate');
  const { action } = thought;
  const retry = useAct(
    () => client.gallery.retryAction(thought.thoughtId),
    () => toast({ title: words.retried, tone: 'done' }),
  );
  if (!action) return <Sign tone="off">{words.ledgerNone}</Sign>;
  const { kind, state, outcome, remoteId, openedAt, closedAt, targetId, imageBlob, content, itemId } = action;
  const refused = state === 'done' || state === 'open' ? words.retryRefused(state) : undefined;
  const hung = kind === 'post' ? remoteId : itemId;
  return (
    <Section
      title={words.ledger}
      actions={
        <>
          {inSandbox && hung !== null ? <PostLink itemId={hung} /> : null}
          <Button
            size="s"
            busy={retry.isPending}
            disabledReason={noRight ?? refused}
            onClick={() => retry.mutate(undefined)}
          >
            {words.retry}
          </Button>
        </>
      }
    >
      {imageBlob === null ? null : (
        <BlobPicture blob={imageBlob} alt={content} className="max-h-72 w-full object-contain" />
      )}
      {content === '' ? null : (
        <p className="m-0">
          <Text value={content} max={1_000} lines />
        </p>
      )}
      <Facts
        columns={2}
        items={[
          { label: words.state, value: <State kind="galleryAction" state={state} note={kind} /> },
          {
            label: words.outcome,
            value: outcome === null ? galleryWords.none : <Text value={galleryWords.reasonOf(outcome)} />,
          },
          { label: words.target, value: <Text value={targetId} /> },
          { label: words.remote, value: remoteId === null ? galleryWords.none : <Text value={remoteId} mono /> },
          { label: words.opened, value: <Time at={openedAt} show="exact" /> },
          { label: words.closed, value: <Time at={closedAt} show="exact" /> },
          { label: words.key, value: <Text value={thought.thoughtId} mono />, wide: true },
        ]}
      />
    </Section>
  );
}
