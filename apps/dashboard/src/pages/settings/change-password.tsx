import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import type { Acts } from './use-act.tsx';

const w = settingsWords.you;
const empty = { current: '', next: '', again: '' };

export function ChangePassword({ act }: { act: Acts['act'] }): ReactNode {
  const client = useClient();
  const toast = useToast();
  const [given, setGiven] = useState(empty);
  const [busy, setBusy] = useState(false);
  const differ = given.again !== '' && given.again !== given.next;
  const missing = Object.values(given).includes('') ? w.missing : differ ? w.notSame : undefined;
  const change = async (): Promise<void> => {
    setBusy(true);
    const done = await act(
      async () => (await client.accounts.changePassword(given.current, given.next), true),
      ['accounts', 'sign-ins'],
    );
    setBusy(false);
    if (!done) return;
    setGiven(empty);
    toast({ title: w.changed });
  };
  return (
    <Panel title={w.passwordTitle} note={w.passwordNote}>
      <form
        className="stack max-w-[400px]"
        onSubmit={(event) => {
          event.preventDefault();
          if (missing === undefined && !busy) void change();
        }}
      >
        <Field label={w.current}>
          <Input
            type="password"
            autoComplete="current-password"
            value={given.current}
            onChange={(current) => setGiven({ ...given, current })}
          />
        </Field>
        <Field label={w.next} hint={w.nextHint}>
          <Input
            type="password"
            autoComplete="new-password"
            value={given.next}
            onChange={(next) => setGiven({ ...given, next })}
          />
        </Field>
        <Field label={w.again} error={differ ? w.notSame : undefined}>
          <Input
            type="password"
            autoComplete="new-password"
            value={given.again}
            onChange={(again) => setGiven({ ...given, again })}
          />
        </Field>
        <span>
          <Button type="submit" busy={busy} disabledReason={missing}>
            {w.change}
          </Button>
        </span>
      </form>
    </Panel>
  );
}
