import { type ReactNode, Suspense, useRef, useState } from 'react';
import { Button, type ButtonSize, type ButtonVariant } from './button.tsx';
import { IconButton } from './icon-button.tsx';
import { lazyPart } from './lazy-part.ts';

export type PopoverProps = {
  /** What it holds; the button's name when it has no words. */
  label: string;
  /** Words on the button. */
  button?: ReactNode;
  icon?: ReactNode;
  iconEnd?: ReactNode;
  size?: ButtonSize | undefined;
  variant?: ButtonVariant | undefined;
  align?: 'start' | 'end' | undefined;
  /** What is shown; `close` puts it away. */
  children: (close: () => void) => ReactNode;
};

const Popup = lazyPart(() => import('./popover-popup.tsx').then(({ PopoverPopup }) => PopoverPopup));

/** A button that opens a small panel beside it. */
export function Popover({
  label,
  button,
  icon,
  iconEnd,
  size,
  variant,
  align = 'start',
  children,
}: PopoverProps): ReactNode {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLButtonElement>(null);
  const close = (): void => setOpen(false);
  const common = {
    ref: anchor,
    size,
    'aria-haspopup': 'dialog' as const,
    'aria-expanded': open,
    ...(open ? { 'data-popup-open': '' } : {}),
    onClick: () => setOpen(!open),
  };
  return (
    <>
      {button === undefined ? (
        <IconButton {...common} label={label} icon={icon} variant={variant ?? 'quiet'} />
      ) : (
        <Button {...common} icon={icon} iconEnd={iconEnd} variant={variant}>
          {button}
        </Button>
      )}
      {open ? (
        <Suspense>
          <Popup label={label} align={align} anchor={anchor} onClose={close}>
            {children(close)}
          </Popup>
        </Suspense>
      ) : null}
    </>
  );
}
