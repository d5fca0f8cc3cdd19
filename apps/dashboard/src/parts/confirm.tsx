import { type ReactNode, useRef, useState, useSyncExternalStore } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { count } from './format.ts';
import { Input } from './input.tsx';
import { Text } from './text.tsx';

export type ConfirmRequest = {
  /** Names the thing and the count: `Cancel 3 builds?` */
  title: string;
  detail?: ReactNode;
  /** The button that does it: `Cancel 3 builds`. */
  action: string;
  /** The safe button, which has the focus: `Keep them`. */
  keep?: string | undefined;
  danger?: boolean | undefined;
  /** A word the person types first. */
  typed?: string | undefined;
  /** Names of what is meant. */
  list?: readonly string[] | undefined;
};

type Asked = ConfirmRequest & { answer: (yes: boolean) => void };

let asked: Asked | undefined;
const listeners = new Set<() => void>();
const set = (next: Asked | undefined): void => {
  asked = next;
  for (const each of listeners) each();
};
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Asks before what cannot be taken back (D11); resolves to whether to do it. A new question answers the old one with no. */
export function confirm(request: ConfirmRequest): Promise<boolean> {
  asked?.answer(false);
  return new Promise((resolve) => {
    set({
      ...request,
      answer: (yes) => {
        set(undefined);
        resolve(yes);
      },
    });
  });
}

export const useConfirm = (): typeof confirm => confirm;

const listedMax = 100;

/** Shows what `confirm` asks; mounted once. */
export function ConfirmHost(): ReactNode {
  const now = useSyncExternalStore(subscribe, () => asked);
  // Keeps its words while it closes.
  const [last, setLast] = useState(now);
  if (now !== undefined && now !== last) setLast(now);
  return last === undefined ? null : <Ask key={last.title} request={last} open={now !== undefined} />;
}

function Ask({ request, open }: { request: Asked; open: boolean }): ReactNode {
  const { title, detail, action, keep = words.confirm.keep, danger = false, typed, list = [], answer } = request;
  const [text, setText] = useState('');
  const safe = useRef<HTMLButtonElement>(null);
  const missing = typed !== undefined && text.trim() !== typed;
  return (
    <Dialog
      open={open}
      onClose={() => answer(false)}
      title={title}
      detail={detail}
      size="s"
      initialFocus={safe}
      footer={
        <>
          <Button ref={safe} onClick={() => answer(false)}>
            {keep}
          </Button>
          <Button
            variant={danger ? 'danger' : 'primary'}
            disabledReason={missing ? words.confirm.typeFirst(typed) : undefined}
            onClick={() => answer(true)}
          >
            {action}
          </Button>
        </>
      }
    >
      {list.length === 0 ? null : (
        <ul className="confirm-list">
          {list.slice(0, listedMax).map((name) => (
            <li key={name} className="clip">
              <Text value={name} max={120} />
            </li>
          ))}
          {list.length > listedMax ? (
            <li className="text-soft">{words.confirm.more(count(list.length - listedMax))}</li>
          ) : null}
        </ul>
      )}
      {typed === undefined ? null : (
        <Field label={words.confirm.type(typed)}>
          <Input value={text} onChange={setText} mono />
        </Field>
      )}
    </Dialog>
  );
}
