import { MusterError } from '@muster/protocol/errors';
import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useId, useRef, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';

const w = settingsWords.password;

export type Acts = {
  busy: boolean;
  /**
   * Does something and reads again what stands below `keys`. Where the server wants the password once more, the person is
   * asked and it is done again. `undefined`: it failed, which was said, or the person thought better of it.
   */
  act: <T>(call: () => Promise<T>, ...keys: QueryKey[]) => Promise<T | undefined>;
  /** To be rendered once on the page. */
  asking: ReactNode;
};

export function useAct(): Acts {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const form = useId();
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  const [password, setPassword] = useState('');
  const [wrong, setWrong] = useState<string>();
  const answer = useRef<(confirmed: boolean) => void>(undefined);

  const ask = (): Promise<boolean> => {
    setPassword('');
    setWrong(undefined);
    setAsked(true);
    return new Promise((resolve) => {
      answer.current = resolve;
    });
  };
  const close = (confirmed: boolean): void => {
    setAsked(false);
    setPassword('');
    answer.current?.(confirmed);
  };
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      await client.accounts.confirmPassword(password);
      close(true);
    } catch (error) {
      setWrong(problemOf(error)?.detail);
    } finally {
      setBusy(false);
    }
  };
  const attempt = async <T,>(call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof MusterError) || error.reason !== 'password_needed') throw error;
      return (await ask()) ? await call() : undefined;
    }
  };
  return {
    busy,
    act: async (call, ...keys) => {
      setBusy(true);
      try {
        return await attempt(call);
      } catch (error) {
        toast({ title: settingsWords.failed, detail: problemOf(error)?.detail, tone: 'failed' });
        return undefined;
      } finally {
        setBusy(false);
        for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
      }
    },
    asking: (
      <Dialog
        open={asked}
        onClose={() => close(false)}
        title={w.title}
        detail={w.detail}
        size="s"
        footer={
          <>
            <Button onClick={() => close(false)}>{w.stop}</Button>
            <Button variant="primary" type="submit" form={form} busy={busy}>
              {w.go}
            </Button>
          </>
        }
      >
        <form
          id={form}
          onSubmit={(event) => {
            event.preventDefault();
            if (password !== '') void confirm();
          }}
        >
          <Field label={w.label} error={wrong}>
            <Input type="password" autoComplete="current-password" value={password} onChange={setPassword} />
          </Field>
        </form>
      </Dialog>
    ),
  };
}
