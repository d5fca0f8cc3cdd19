import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import type { DialogProps } from './dialog.tsx';
import { IconButton } from './icon-button.tsx';

export function DialogPopup(props: Omit<DialogProps, 'size'> & { looks: string }): ReactNode {
  const { open, onClose, title, detail, footer, keep = false, initialFocus, looks, children } = props;
  const hasBody = children !== undefined || detail !== undefined;
  return (
    <Base.Root
      open={open}
      disablePointerDismissal={keep}
      onOpenChange={(next, { reason }) => {
        if (!next && !(keep && reason === 'escape-key')) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="shade" />
        <Base.Popup className={looks} initialFocus={initialFocus}>
          <div className="dialog-head">
            <Base.Title render={<h2 />}>{title}</Base.Title>
            {keep ? null : (
              <Base.Close render={<IconButton label={words.dialog.close} icon={<X aria-hidden />} size="m" />} />
            )}
          </div>
          {hasBody ? (
            <div className="dialog-body">
              {detail === undefined ? null : (
                <Base.Description render={<div />} className="dialog-detail">
                  {detail}
                </Base.Description>
              )}
              {children}
            </div>
          ) : null}
          {footer === undefined ? null : <div className="dialog-foot">{footer}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
