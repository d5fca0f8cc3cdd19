import type { Role } from '@muster/protocol';
import { roles } from '@muster/protocol/roles';
import { type ReactNode, useId, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { RadioGroup } from '../../parts/radio.tsx';
import { settingsWords } from '../../words/settings.ts';
import { invitesKey } from './people-query.ts';
import type { Acts } from './use-act.tsx';

const w = settingsWords.people;
export type InviteDrawerProps = { open: boolean; onClose: () => void; onMade: (url: string) => void; act: Acts['act'] };

/** A link for one person, as what they join. */
export function InviteDrawer({ open, onClose, onMade, act }: InviteDrawerProps): ReactNode {
  const client = useClient();
  const form = useId();
  const [role, setRole] = useState<Role>('viewer');
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const make = async (): Promise<void> => {
    setBusy(true);
    const made = await act(() => client.accounts.invite({ role, note: note.trim() }), invitesKey);
    setBusy(false);
    if (!made) return;
    onClose();
    setNote('');
    setRole('viewer');
    onMade(made.url);
  };
  return (
    <Drawer
      open={open}
      onClose={onClose}
      title={w.invite}
      note={w.inviteNote}
      footer={
        <>
          <Button onClick={onClose}>{w.keep}</Button>
          <Button variant="primary" type="submit" form={form} busy={busy}>
            {w.inviteMake}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void make();
        }}
      >
        <Field label={w.role} group>
          <RadioGroup
            label={w.role}
            value={role}
            onChange={(next) => setRole(roles.find((each) => each === next) ?? 'viewer')}
            options={roles.map((value) => ({ value, label: value, hint: w.roleSays[value] }))}
          />
        </Field>
        <Field label={w.inviteFor} hint={w.inviteForHint} optional>
          <Input value={note} onChange={setNote} maxLength={200} />
        </Field>
      </form>
    </Drawer>
  );
}
