import { Popover as Base } from '@base-ui/react/popover';
import type { ReactNode, RefObject } from 'react';

export type PopoverPopupProps = {
  label: string;
  align: 'start' | 'end';
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  children: ReactNode;
};

export function PopoverPopup({ label, align, anchor, onClose, children }: PopoverPopupProps): ReactNode {
  return (
    <Base.Root
      open
      onOpenChange={(open, { event }) => {
        // The button closes it by its own press.
        const own = event.target instanceof Node && anchor.current?.contains(event.target);
        if (!open && !(own && event.type !== 'keydown')) onClose();
      }}
    >
      <Base.Portal>
        <Base.Positioner className="menu-layer" anchor={anchor} align={align} sideOffset={4} collisionPadding={8}>
          <Base.Popup className="popover" aria-label={label} finalFocus={anchor}>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
