import type { TargetCheck } from '@muster/client';
import type { GalleryTarget } from '@muster/protocol';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Checkbox } from '../../parts/checkbox.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { Field } from '../../parts/field.tsx';
import { count, duration, percent } from '../../parts/format.ts';
import { Input } from '../../parts/input.tsx';
import { Menu } from '../../parts/menu.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Sign, State } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { WhyLine } from '../../parts/why-line.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { targetWords as words } from '../../words/gallery-running.ts';
import { useAct } from './act.ts';
import { TargetDialog } from './target-dialog.tsx';

/** One gallery: how it is, who answers for it, its gate, and what can be done about it. */
export function TargetPanel({ target }: { target: GalleryTarget }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const confirm = useConfirm();
  const operate = useMay('gallery:operate');
  const admin = useMay('gallery:admin');
  const [dialog, setDialog] = useState<'edit' | 'hold' | 'acknowledge'>();
  const { id, kind, gate, acknowledgement } = target;
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['gallery'] });
  const check = useAct(() => client.gallery.targets.check(id), refresh);
  const open = useAct(
    () => client.gallery.targets.open(id),
    () => {
      refresh();
      toast({ title: words.opened(id), tone: 'done' });
    },
  );
  const remove = useAct(
    () => client.gallery.targets.delete(id),
    () => {
      refresh();
      toast({ title: words.removed(id), tone: 'done' });
    },
  );
  const askRemove = async (): Promise<void> => {
    const title = words.removeTitle(id);
    if (
      await confirm({ title, detail: words.removeDetail, action: words.removeAction, keep: words.keep, danger: true })
    )
      remove.mutate(undefined);
  };
  const needsAnswer = kind !== 'sandbox' && acknowledgement === null;
  const close = (): void => setDialog(undefined);
  return (
    <Panel
      title={
        <>
          {id} <span className="font-normal text-soft">{target.title}</span>
        </>
      }
      note={
        <State
          kind="gate"
          state={gate.state}
          note={gate.reason === null ? undefined : galleryWords.reasonOf(gate.reason)}
        />
      }
      {...(gate.state === 'open' && !needsAnswer ? {} : { tone: 'warn' as const })}
      actions={
        <>
          <Button
            size="s"
            busy={check.isPending}
            disabledReason={operate.reason}
            onClick={() => check.mutate(undefined)}
          >
            {words.check}
          </Button>
          {gate.state === 'open' ? (
            <Button size="s" disabledReason={operate.reason} onClick={() => setDialog('hold')}>
              {words.hold}
            </Button>
          ) : (
            <Button
              size="s"
              variant="primary"
              busy={open.isPending}
              disabledReason={operate.reason}
              onClick={() => open.mutate(undefined)}
            >
              {words.open}
            </Button>
          )}
          {needsAnswer ? (
            <Button size="s" variant="primary" disabledReason={admin.reason} onClick={() => setDialog('acknowledge')}>
              {words.acknowledge}
            </Button>
          ) : null}
          <Menu
            label={words.editTitle(id)}
            items={[
              { key: 'edit', label: words.edit, disabledReason: admin.reason, onSelect: () => setDialog('edit') },
              ...(kind === 'sandbox'
                ? []
                : [
                    {
                      key: 'remove',
                      label: words.remove,
                      danger: true,
                      disabledReason: admin.reason,
                      onSelect: () => void askRemove(),
                    },
                  ]),
            ]}
          />
        </>
      }
    >
      <div className="stack" data-target={id}>
        {gate.state === 'open' ? null : (
          <WhyLine
            tone={gate.state === 'tripped' ? 'failed' : 'warn'}
            reason={gate.reason === null ? gate.state : galleryWords.reasonOf(gate.reason)}
            resumesAt={gate.until}
          />
        )}
        <Facts columns={2} items={factsOf(target)} />
        {check.data ? <Findings check={check.data} /> : null}
      </div>
      {dialog === 'edit' ? <TargetDialog target={target} onClose={close} /> : null}
      <HoldDialog target={target} open={dialog === 'hold'} onClose={close} onDone={refresh} />
      <AcknowledgeDialog target={target} open={dialog === 'acknowledge'} onClose={close} onDone={refresh} />
    </Panel>
  );
}

const abilities = ['idempotency', 'explicitUnlike', 'upload', 'execute'] as const;

function factsOf(target: GalleryTarget): Fact[] {
  const { facts } = words;
  const {
    kind,
    baseUrl,
    tokenSet,
    acknowledgement,
    health,
    rps,
    concurrency,
    capabilities,
    quietList,
    banned,
    share,
    phaseOut,
  } = target;
  return [
    { label: facts.kind, value: words.kinds[kind] },
    { label: facts.address, value: <Text value={baseUrl} max={200} mono /> },
    {
      label: facts.acknowledged,
      value:
        kind === 'sandbox' ? (
          words.ackBuiltIn
        ) : acknowledgement === null ? (
          <Sign tone="warn">{words.ackNone}</Sign>
        ) : (
          <>
            <Text value={words.ackBy(acknowledgement.by, acknowledgement.host)} max={200} />{' '}
            <Time at={acknowledgement.at} />
          </>
        ),
    },
    ...(kind === 'sandbox' ? [] : [{ label: facts.token, value: tokenSet ? words.tokenSet : words.tokenNone }]),
    {
      label: facts.health,
      value:
        health === null ? (
          words.healthNone
        ) : (
          <>
            <Sign tone={health.ok ? 'done' : 'failed'}>{health.ok ? words.ok : words.notOk}</Sign>{' '}
            <Text value={health.detail} max={300} /> <Time at={health.checkedAt} />
          </>
        ),
    },
    { label: facts.rate, value: words.rate(count(rps), count(concurrency)) },
    {
      label: facts.can,
      value: (
        <span className="flex flex-wrap gap-1">
          {abilities
            .filter((ability) => capabilities[ability])
            .map((ability) => (
              <Badge key={ability}>{words.capabilities[ability]}</Badge>
            ))}
        </span>
      ),
    },
    { label: facts.share, value: <span className="num">{percent(share)}</span> },
    {
      label: facts.phaseOut,
      value:
        phaseOut === null
          ? words.phaseNone
          : words.phase(phaseOut.from, phaseOut.to, percent(phaseOut.minShare), percent(phaseOut.stepMax)),
    },
    { label: facts.quiet, value: words.names(quietList.length) },
    { label: facts.banned, value: words.words(banned.length) },
    ...(target.captionFooter === null
      ? []
      : [{ label: facts.footer, value: <Text value={target.captionFooter} max={200} /> }]),
  ];
}

function Findings({ check }: { check: TargetCheck }): ReactNode {
  return (
    <section aria-label={words.checkTitle} className="flex flex-col gap-1" data-check={check.ok}>
      <p className="m-0 text-soft">{words.checked(duration(Math.abs(check.clockSkewMs)))}</p>
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        {check.findings.map(({ what, ok, detail, remedy }) => (
          <li key={what}>
            <Sign tone={ok ? 'done' : 'failed'}>{galleryWords.reasonOf(what)}</Sign> <Text value={detail} max={400} />
            {remedy === undefined ? null : (
              <div className="pl-6 text-soft">
                <Text value={remedy} max={400} />
              </div>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

type DialogProps = { target: GalleryTarget; open: boolean; onClose: () => void; onDone: () => void };

function HoldDialog({ target, open, onClose, onDone }: DialogProps): ReactNode {
  const client = useClient();
  const toast = useToast();
  const [reason, setReason] = useState('');
  const hold = useAct(
    () => client.gallery.targets.hold(target.id, reason.trim()),
    () => {
      onDone();
      onClose();
      toast({ title: words.held(target.id), tone: 'warn' });
    },
  );
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={words.holdTitle(target.id)}
      detail={words.holdDetail}
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="danger"
            busy={hold.isPending}
            disabledReason={reason.trim() === '' ? galleryWords.panic.reasonHint : undefined}
            onClick={() => hold.mutate(undefined)}
          >
            {words.holdAction}
          </Button>
        </>
      }
    >
      <Field label={words.holdReason}>
        <Input value={reason} onChange={setReason} maxLength={200} />
      </Field>
    </Dialog>
  );
}

const statementKeys = ['consent', 'visible', 'apart'] as const;

function AcknowledgeDialog({ target, open, onClose, onDone }: DialogProps): ReactNode {
  const client = useClient();
  const toast = useToast();
  const [accepted, setAccepted] = useState<readonly string[]>([]);
  const [host, setHost] = useState('');
  const wanted = hostOf(target.baseUrl);
  const acknowledge = useAct(
    () => client.gallery.targets.acknowledge(target.id, host.trim()),
    () => {
      onDone();
      onClose();
      toast({ title: words.acked(target.id), tone: 'done' });
    },
  );
  const complete = accepted.length === statementKeys.length && host.trim() === wanted;
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={words.ackTitle(target.id)}
      detail={words.ackDetail}
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="primary"
            busy={acknowledge.isPending}
            disabledReason={complete ? undefined : words.ackMissing}
            onClick={() => acknowledge.mutate(undefined)}
          >
            {words.ackAction}
          </Button>
        </>
      }
    >
      <div className="stack">
        {statementKeys.map((key) => (
          <Checkbox
            key={key}
            checked={accepted.includes(key)}
            label={words.statements[key]}
            onChange={(on) => setAccepted(on ? [...accepted, key] : accepted.filter((each) => each !== key))}
          />
        ))}
        <Field label={words.host} hint={words.hostHint(wanted)}>
          <Input value={host} onChange={setHost} mono autoComplete="off" spellCheck={false} />
        </Field>
      </div>
    </Dialog>
  );
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
