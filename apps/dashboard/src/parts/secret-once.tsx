import { type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { Checkbox } from './checkbox.tsx';
import { CopyButton } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';

export type SecretOnceProps = {
  open: boolean;
  title: string;
  secret: string;
  /** What it is: `API key`, `Command`. */
  name: string;
  note?: ReactNode;
  onDone: () => void;
};

/** Shows a secret this one time (D12). It lives in the caller's state and goes with it; nothing here keeps it. */
export function SecretOnce({ open, title, secret, name, note, onDone }: SecretOnceProps): ReactNode {
  const [stored, setStored] = useState(false);
  return (
    <Dialog
      open={open}
      onClose={onDone}
      keep
      title={title}
      detail={note ?? words.secret.note}
      footer={
        <Button variant="primary" disabledReason={stored ? undefined : words.secret.storeFirst} onClick={onDone}>
          {words.secret.done}
        </Button>
      }
    >
      <div className="field">
        <span className="field-label">{name}</span>
        <span className="secret">
          <code>{secret}</code>
          <CopyButton text={secret} label={words.secret.copy(name)}>
            {words.copy.copy}
          </CopyButton>
        </span>
      </div>
      <Checkbox label={words.secret.stored} checked={stored} onChange={setStored} />
    </Dialog>
  );
}
