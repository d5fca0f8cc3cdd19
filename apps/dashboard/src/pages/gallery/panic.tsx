import type { GalleryFleet, PanicAnswered } from '@muster/protocol';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { OctagonX } from 'lucide-react';
import { type ReactNode, useRef, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Field } from '../../parts/field.tsx';
import { count } from '../../parts/format.ts';
import { Input } from '../../parts/input.tsx';
import { RadioGroup } from '../../parts/radio.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { useAct } from './act.ts';
import { fleetQuery } from './data.ts';

const words = galleryWords.panic;

/** The red button of the area, and all that comes of it: one confirmation, then the proof. */
export function PanicButton({
  open,
  onOpen,
  onClose,
}: {
  open: boolean;
  onOpen: () => void;
  onClose: () => void;
}): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const { data: fleet } = useQuery(fleetQuery(client));
  const { reason: noRight } = useMay('gallery:operate');
  const [why, setWhy] = useState<string>(words.reasonFirst);
  const [answer, setAnswer] = useState<PanicAnswered>();
  const safe = useRef<HTMLButtonElement>(null);
  const stop = useAct(
    () => client.gallery.panic(why.trim() || words.reasonFirst),
    (answered) => {
      setAnswer(answered);
      onClose();
      void queries.invalidateQueries({ queryKey: ['gallery'] });
    },
  );
  const bots = fleet?.bots ?? 0;
  const stopped = fleet?.panic ? words.already : undefined;
  return (
    <>
      <Button
        variant="danger"
        size="s"
        icon={<OctagonX aria-hidden size={14} />}
        disabledReason={noRight ?? stopped}
        onClick={onOpen}
      >
        <span className="max-sm:hidden">{words.button}</span>
        <span className="sm:hidden">{words.short}</span>
      </Button>
      <Dialog
        open={open && noRight === undefined && stopped === undefined}
        onClose={onClose}
        title={words.title}
        detail={words.detail(bots)}
        initialFocus={safe}
        footer={
          <>
            <Button ref={safe} onClick={onClose}>
              {words.keep}
            </Button>
            <Button variant="danger" busy={stop.isPending} onClick={() => stop.mutate(undefined)}>
              {words.action(bots)}
            </Button>
          </>
        }
      >
        <Field label={words.reason} hint={words.reasonHint}>
          <Input value={why} onChange={setWhy} maxLength={500} />
        </Field>
      </Dialog>
      <Proof answer={answer} onClose={() => setAnswer(undefined)} />
    </>
  );
}

/** Who confirmed, and what was still on the wire. */
function Proof({ answer, onClose }: { answer: PanicAnswered | undefined; onClose: () => void }): ReactNode {
  return (
    <Dialog
      open={answer !== undefined}
      onClose={onClose}
      title={words.proofTitle}
      footer={<Button onClick={onClose}>{galleryWords.close}</Button>}
    >
      {answer ? (
        <Facts
          columns={1}
          items={[
            { label: words.since, value: <Time at={answer.stoppedAt} show="exact" /> },
            { label: words.bots, value: <span className="num">{count(answer.bots)}</span> },
            {
              label: words.inFlight,
              value:
                answer.inFlight.length === 0
                  ? words.nothingInFlight
                  : answer.inFlight.map(({ thoughtId, kind }) => <div key={thoughtId}>{`${kind} ${thoughtId}`}</div>),
            },
            {
              label: words.nodes,
              value: answer.nodes.map(({ id, confirmed }) => (
                <div key={id}>
                  <Sign
                    tone={confirmed ? 'done' : 'warn'}
                  >{`${id}: ${confirmed ? words.confirmed : words.unconfirmed}`}</Sign>
                </div>
              )),
            },
          ]}
        />
      ) : null}
    </Dialog>
  );
}

/** Stands on every page of the gallery while the fleet is stopped. */
export function PanicBanner({ panic }: { panic: NonNullable<GalleryFleet['panic']> }): ReactNode {
  const [open, setOpen] = useState(false);
  const { reason: noRight } = useMay('gallery:operate');
  return (
    <section
      className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-md border border-tone-failed bg-tone-failed/10 px-4 py-3"
      data-panic="on"
    >
      <Sign tone="failed">{words.bannerTitle(panic.by)}</Sign>
      <Time at={panic.at} />
      <span className="min-w-0 grow text-soft">
        <Text value={panic.reason} />
      </span>
      <Button disabledReason={noRight} onClick={() => setOpen(true)}>
        {words.release}
      </Button>
      <ReleaseDialog open={open} onClose={() => setOpen(false)} />
    </section>
  );
}

function ReleaseDialog({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [reason, setReason] = useState('');
  const [state, setState] = useState<'paused' | 'asBefore'>('paused');
  const release = useAct(
    () => client.gallery.release({ reason: reason.trim(), state }),
    (fleet) => {
      queries.setQueryData(fleetQuery(client).queryKey, fleet);
      void queries.invalidateQueries({ queryKey: ['gallery'] });
      toast({ title: words.released, tone: 'done' });
      onClose();
    },
  );
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={words.releaseTitle}
      detail={words.releaseDetail}
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="primary"
            busy={release.isPending}
            disabledReason={reason.trim() === '' ? words.reasonHint : undefined}
            onClick={() => release.mutate(undefined)}
          >
            {words.releaseAction}
          </Button>
        </>
      }
    >
      <div className="stack">
        <RadioGroup
          label={words.states}
          value={state}
          onChange={(value) => setState(value === 'asBefore' ? 'asBefore' : 'paused')}
          options={[
            { value: 'paused', label: words.paused, hint: words.pausedHint },
            { value: 'asBefore', label: words.asBefore, hint: words.asBeforeHint },
          ]}
        />
        <Field label={words.reason} hint={words.reasonHint}>
          <Input value={reason} onChange={setReason} maxLength={500} />
        </Field>
      </div>
    </Dialog>
  );
}
