import type { Scope } from '@muster/protocol';
import { covers, levels } from '@muster/protocol/scopes';
import { type ReactNode, useId, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMe } from '../../api/me.ts';
import { Button } from '../../parts/button.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { Segmented } from '../../parts/segmented.tsx';
import { Select } from '../../parts/select.tsx';
import { TagInput } from '../../parts/tag-input.tsx';
import { useNow } from '../../parts/time.tsx';
import { settingsWords } from '../../words/settings.ts';
import { keysKey } from './keys-query.ts';
import type { Acts } from './use-act.tsx';

const w = settingsWords.keys;
/** What exists to be given; other areas of the scopes are not there yet. */
const areas = ['builds', 'gallery', 'streams', 'accounts'] as const;
type Area = (typeof areas)[number];
type Level = (typeof levels)[number] | 'none';
const nothing: Readonly<Record<Area, Level>> = { builds: 'none', gallery: 'none', streams: 'none', accounts: 'none' };
const day = 86_400_000;

export type NewKeyProps = {
  open: boolean;
  onClose: () => void;
  onMade: (made: { name: string; secret: string }) => void;
  act: Acts['act'];
};

/** A key may do no more than whoever makes it. */
export function NewKey({ open, onClose, onMade, act }: NewKeyProps): ReactNode {
  const client = useClient();
  const { scopes: own } = useMe();
  const now = useNow(60_000);
  const form = useId();
  const [name, setName] = useState('');
  const [rights, setRights] = useState(nothing);
  const [expiry, setExpiry] = useState('180');
  const [addresses, setAddresses] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const scopes = areas.flatMap((area) => (rights[area] === 'none' ? [] : [`${area}:${rights[area]}` as Scope]));
  const missing = name.trim() === '' ? w.needsName : scopes.length === 0 ? w.needsScope : undefined;

  const make = async (): Promise<void> => {
    setBusy(true);
    const made = await act(
      () =>
        client.keys.create({
          name: name.trim(),
          scopes,
          ...(expiry === 'never' ? {} : { expiresAt: new Date(now + Number(expiry) * day).toISOString() }),
          ...(addresses.length > 0 ? { addresses } : {}),
        }),
      keysKey,
    );
    setBusy(false);
    if (!made) return;
    onMade({ name: made.name, secret: made.secret });
    onClose();
    setName('');
    setRights(nothing);
    setAddresses([]);
  };

  return (
    <Drawer
      open={open}
      onClose={onClose}
      title={w.add}
      note={w.addNote}
      footer={
        <>
          <Button onClick={onClose}>{w.keep}</Button>
          <Button variant="primary" type="submit" form={form} busy={busy} disabledReason={missing}>
            {w.make}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (missing === undefined && !busy) void make();
        }}
      >
        <Field label={w.name} hint={w.nameHint}>
          <Input value={name} onChange={setName} maxLength={200} />
        </Field>
        <Field label={w.rights} hint={w.rightsHint} group>
          <div className="stack">
            {areas.map((area) => (
              <div key={area} className="spread">
                <span>{w.areas[area]}</span>
                <Segmented
                  label={w.areas[area]}
                  value={rights[area]}
                  onChange={(level) => setRights({ ...rights, [area]: level as Level })}
                  options={[
                    { value: 'none', label: w.levels.none },
                    ...levels
                      .filter((level) => covers(own, `${area}:${level}`))
                      .map((level) => ({ value: level, label: w.levels[level] })),
                  ]}
                />
              </div>
            ))}
          </div>
        </Field>
        <Field label={w.expiry}>
          <Select
            value={expiry}
            onChange={setExpiry}
            options={Object.entries(w.expiries).map(([value, label]) => ({ value, label }))}
          />
        </Field>
        <Field label={w.addresses} hint={w.addressesHint} optional>
          <TagInput value={addresses} onChange={setAddresses} max={32} />
        </Field>
      </form>
    </Drawer>
  );
}
