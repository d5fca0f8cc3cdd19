import { Ellipsis } from 'lucide-react';
import { type ReactNode, Suspense, useRef, useState } from 'react';
import { Button, type ButtonSize, type ButtonVariant } from './button.tsx';
import { IconButton } from './icon-button.tsx';
import { lazyPart } from './lazy-part.ts';

export type MenuItem =
  | {
      key: string;
      label: string;
      icon?: ReactNode;
      keys?: string | undefined;
      hint?: string | undefined;
      danger?: boolean | undefined;
      /** Set: an item that is on or off. */
      checked?: boolean | undefined;
      disabledReason?: string | undefined;
      to?: string | undefined;
      href?: string | undefined;
      onSelect?: (() => void) | undefined;
    }
  | { key: string; rule: true }
  | { key: string; heading: string };

export type MenuProps = {
  /** What the menu is of; the button's name when it has no words. */
  label: string;
  items: readonly MenuItem[];
  /** Words on the button; without, it is an icon. */
  children?: ReactNode;
  icon?: ReactNode;
  iconEnd?: ReactNode;
  size?: ButtonSize | undefined;
  variant?: ButtonVariant | undefined;
  align?: 'start' | 'end' | undefined;
  disabledReason?: string | undefined;
};

// A page without an open menu does without its code.
const Popup = lazyPart(() => import('./menu-popup.tsx').then(({ MenuPopup }) => MenuPopup));

/** A button that opens a list of actions. */
export function Menu(props: MenuProps): ReactNode {
  const { label, items, children, icon, iconEnd, size = 'm', variant, align = 'end', disabledReason } = props;
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const common = {
    ref: button,
    size,
    disabledReason,
    'aria-haspopup': 'menu' as const,
    'aria-expanded': open,
    ...(open ? { 'data-popup-open': '' } : {}),
    onClick: () => setOpen(true),
  };
  return (
    <>
      {children === undefined ? (
        <IconButton {...common} label={label} icon={icon ?? <Ellipsis aria-hidden />} variant={variant ?? 'quiet'} />
      ) : (
        <Button {...common} icon={icon} iconEnd={iconEnd} variant={variant} aria-label={label}>
          {children}
        </Button>
      )}
      {open ? (
        <Suspense>
          <Popup label={label} items={items} align={align} anchor={button} onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
