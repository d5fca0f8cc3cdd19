import { Check, Copy } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button, type ButtonSize, type ButtonVariant } from './button.tsx';
import { IconButton } from './icon-button.tsx';

const shownMs = 1_600;

/** Copies text and says that it did. `copied` is true for a moment afterwards. */
export function useCopy(): { copied: boolean; failed: boolean; copy: (text: string) => void } {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const settle = (next: 'copied' | 'failed'): void => {
    setState(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState('idle'), shownMs);
  };
  const copy = (text: string): void => {
    void writeText(text).then(
      () => settle('copied'),
      () => settle('failed'),
    );
  };
  return { copied: state === 'copied', failed: state === 'failed', copy };
}

/** Plain http has no clipboard of its own; the older way still works there. */
async function writeText(text: string): Promise<void> {
  if (globalThis.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  (document.activeElement?.closest('[role=dialog]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser refused to copy');
}

export type CopyButtonProps = {
  text: string;
  /** What is copied: `id`, `link`. Without `children` it is the button's name. */
  label?: string | undefined;
  size?: ButtonSize | undefined;
  variant?: ButtonVariant | undefined;
  children?: ReactNode;
};

export function CopyButton({
  text,
  label = words.copy.copy,
  size = 's',
  variant,
  children,
}: CopyButtonProps): ReactNode {
  const { copied, failed, copy } = useCopy();
  const icon = copied ? <Check aria-hidden className="text-tone-done" /> : <Copy aria-hidden />;
  const told = copied ? words.copy.copied : failed ? words.copy.failed : '';
  return (
    <>
      {children === undefined ? (
        <IconButton
          label={told === '' ? label : told}
          icon={icon}
          size={size}
          variant={variant ?? 'quiet'}
          onClick={() => copy(text)}
        />
      ) : (
        <Button icon={icon} size={size} variant={variant} onClick={() => copy(text)}>
          {told === '' ? children : told}
        </Button>
      )}
      <span role="status" className="visually-hidden">
        {told}
      </span>
    </>
  );
}
