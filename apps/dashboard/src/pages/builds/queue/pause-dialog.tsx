import type { PauseQueue } from '@muster/protocol';
import { type ReactNode, useId, useState } from 'react';
import { Button } from '../../../parts/button.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { Field } from '../../../parts/field.tsx';
import { Input } from '../../../parts/input.tsx';
import { Select } from '../../../parts/select.tsx';
import { useClock } from '../../../parts/time.tsx';
import { buildsWords as w } from '../../../words/builds.ts';

const forMs = { open: 0, '30m': 30 * 60_000, '2h': 2 * 3_600_000, '8h': 8 * 3_600_000, '24h': 24 * 3_600_000 };
type For = keyof typeof forMs;

/** Everybody whose build waits reads the reason, so it is asked for. */
export function PauseDialog(props: {
  name: string;
  onClose: () => void;
  onPause: (input: PauseQueue) => void;
}): ReactNode {
  const { name, onClose, onPause } = props;
  const clock = useClock();
  const form = useId();
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState<string>('open');
  const submit = (): void => {
    const ms = forMs[until as For];
    onPause({
      reason: reason.trim(),
      ...(ms === 0 ? {} : { resumesAt: new Date(clock.now() + ms).toISOString() }),
    });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={w.queue.pauseTitle(name)}
      detail={w.queue.pauseDetail}
      footer={
        <>
          <Button onClick={onClose}>{w.queue.pauseKeep}</Button>
          <Button
            variant="primary"
            type="submit"
            form={form}
            disabledReason={reason.trim() === '' ? w.queue.pauseNeedsReason : undefined}
          >
            {w.queue.pauseDo(name)}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() !== '') submit();
        }}
      >
        <Field label={w.queue.pauseReason} hint={w.queue.pauseReasonHint}>
          <Input value={reason} onChange={setReason} maxLength={500} />
        </Field>
        <Field label={w.queue.pauseUntil}>
          <Select
            value={until}
            onChange={setUntil}
            options={Object.keys(forMs).map((value) => ({ value, label: w.queue.pauseFor[value as For] }))}
          />
        </Field>
      </form>
    </Dialog>
  );
}
