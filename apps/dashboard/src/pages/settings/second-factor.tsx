import type { NewSecondFactor } from '@muster/protocol';
import { type ReactNode, useId, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { meQuery, useMe } from '../../api/me.ts';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SecretOnce } from '../../parts/secret-once.tsx';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import type { Acts } from './use-act.tsx';

const w = settingsWords.you;

/** A code besides the password: set up, given new recovery codes, turned off. */
export function SecondFactor({ act }: { act: Acts['act'] }): ReactNode {
  const client = useClient();
  const { secondFactor } = useMe();
  const confirm = useConfirm();
  const toast = useToast();
  const form = useId();
  const [setup, setSetup] = useState<NewSecondFactor>();
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<readonly string[]>();
  const meKey = meQuery(client.connection).queryKey;

  const begin = async (): Promise<void> => {
    setCode('');
    setSetup(await act(() => client.accounts.newSecondFactor()));
  };
  const finish = async (): Promise<void> => {
    const made = await act(() => client.accounts.confirmSecondFactor(code.trim()), meKey);
    if (!made) return;
    setSetup(undefined);
    setCodes(made.recoveryCodes);
    toast({ title: w.factorOnNow });
  };
  const renew = async (): Promise<void> => {
    const made = await act(() => client.accounts.newRecoveryCodes(), meKey);
    if (made) setCodes(made.recoveryCodes);
  };
  const stop = async (): Promise<void> => {
    const asked = { title: w.factorStopTitle, detail: w.factorStopDetail, action: w.factorStop, keep: w.factorKeep };
    if (!(await confirm({ ...asked, danger: true }))) return;
    const done = await act(async () => (await client.accounts.removeSecondFactor(), true), meKey);
    if (done) toast({ title: w.factorStopped });
  };
  return (
    <Panel
      title={w.factorTitle}
      actions={
        secondFactor.on ? (
          <>
            <Button size="s" onClick={() => void renew()}>
              {w.factorCodes}
            </Button>
            <Button size="s" onClick={() => void stop()}>
              {w.factorStop}
            </Button>
          </>
        ) : (
          <Button size="s" onClick={() => void begin()}>
            {w.factorBegin}
          </Button>
        )
      }
    >
      <p>{secondFactor.on ? w.factorOn(secondFactor.recoveryCodesLeft) : w.factorOff}</p>
      <Dialog
        open={setup !== undefined}
        onClose={() => setSetup(undefined)}
        title={w.factorTitle}
        detail={w.factorScan}
        footer={
          <>
            <Button onClick={() => setSetup(undefined)}>{settingsWords.password.stop}</Button>
            <Button variant="primary" type="submit" form={form}>
              {w.factorConfirm}
            </Button>
          </>
        }
      >
        <form
          id={form}
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (code.trim() !== '') void finish();
          }}
        >
          <span>
            <ButtonLink href={setup?.uri ?? ''}>{w.factorLink}</ButtonLink>
          </span>
          <Field label={w.factorSecret} group>
            <span className="row">
              <code className="mono break-all">{setup?.secret}</code>
              <CopyButton text={setup?.secret ?? ''} />
            </span>
          </Field>
          <Field label={w.factorCode}>
            <Input
              value={code}
              onChange={setCode}
              mono
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={10}
            />
          </Field>
        </form>
      </Dialog>
      <SecretOnce
        open={codes !== undefined}
        title={w.codesTitle}
        name={w.codesName}
        note={w.codesNote}
        secret={codes?.join('\n') ?? ''}
        onDone={() => setCodes(undefined)}
      />
    </Panel>
  );
}
