import { Menu as Base } from '@base-ui/react/menu';
import { Check } from 'lucide-react';
import type { ReactNode, RefObject } from 'react';
import { Kbd } from './kbd.tsx';
import type { MenuItem } from './menu.tsx';
import { useNav } from './nav.tsx';

export type MenuPopupProps = {
  label: string;
  items: readonly MenuItem[];
  align: 'start' | 'end';
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
};

export function MenuPopup({ label, items, align, anchor, onClose }: MenuPopupProps): ReactNode {
  return (
    <Base.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Base.Portal>
        <Base.Positioner className="menu-layer" anchor={anchor} align={align} sideOffset={4} collisionPadding={8}>
          <Base.Popup className="menu" aria-label={label} finalFocus={anchor}>
            {items.map((item) => (
              <Entry key={item.key} item={item} />
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Entry({ item }: { item: MenuItem }): ReactNode {
  const nav = useNav();
  if ('rule' in item) return <Base.Separator className="menu-rule" />;
  if ('heading' in item) return <div className="menu-heading">{item.heading}</div>;
  const { label, icon, keys, hint, danger, checked, disabledReason, to, href, onSelect } = item;
  const told = disabledReason ?? hint;
  const inside = (
    <>
      {icon}
      <span className="menu-text">
        {label}
        {told === undefined ? null : <span className="menu-hint">{told}</span>}
      </span>
      {keys === undefined ? null : <Kbd keys={keys} />}
      {checked ? <Check aria-hidden /> : null}
    </>
  );
  const looks = danger ? 'menu-item menu-item-danger' : 'menu-item';
  if (href !== undefined && disabledReason === undefined) {
    return (
      <Base.LinkItem className={looks} href={href} target="_blank" rel="noopener noreferrer" closeOnClick>
        {inside}
      </Base.LinkItem>
    );
  }
  const select = (): void => {
    if (to === undefined) onSelect?.();
    else nav.navigate(to);
  };
  return checked === undefined ? (
    <Base.Item className={looks} disabled={disabledReason !== undefined} onClick={select} label={label}>
      {inside}
    </Base.Item>
  ) : (
    <Base.CheckboxItem
      className={looks}
      checked={checked}
      disabled={disabledReason !== undefined}
      onCheckedChange={select}
      label={label}
      closeOnClick={false}
    >
      {inside}
    </Base.CheckboxItem>
  );
}
