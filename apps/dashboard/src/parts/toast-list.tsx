import { Toast } from '@base-ui/react/toast';
import type { Tone } from '@muster/protocol/tones';
import { X } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { IconButton } from './icon-button.tsx';
import { toast as say, type ToastRequest, takeToasts, toastMs } from './toast.tsx';
import { ToneIcon } from './tone-icon.tsx';

type Data = { tone: Tone | undefined; undo: ToastRequest['undo'] };

const manager = Toast.createToastManager<Data>();

export function ToastList(): ReactNode {
  useEffect(
    () =>
      takeToasts(({ title, detail, tone, undo, ms = toastMs }) => {
        manager.add({
          title,
          description: detail,
          timeout: ms,
          priority: tone === 'failed' ? 'high' : 'low',
          data: { tone, undo },
        });
      }),
    [],
  );
  return (
    <Toast.Provider toastManager={manager} timeout={toastMs} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="toasts" aria-label={words.toast.region}>
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Shown(): ReactNode {
  const { toasts, close } = Toast.useToastManager<Data>();
  return toasts.map((toast) => {
    const { tone, undo } = toast.data ?? { tone: undefined, undo: undefined };
    const takeBack = (): void => {
      close(toast.id);
      void Promise.resolve()
        .then(() => undo?.())
        .catch((error: unknown) => {
          say({
            title: words.toast.undoFailed,
            detail: error instanceof Error ? error.message : undefined,
            tone: 'failed',
          });
        });
    };
    return (
      <Toast.Root key={toast.id} toast={toast} className="toast" swipeDirection={['right', 'down']}>
        {tone === undefined ? null : <ToneIcon tone={tone} />}
        <div className="toast-text">
          <Toast.Title render={<div />} className="font-medium" />
          <Toast.Description render={<div />} className="toast-detail" />
        </div>
        {undo === undefined ? null : (
          <Button size="s" onClick={takeBack}>
            {words.toast.undo}
          </Button>
        )}
        <Toast.Close render={<IconButton label={words.toast.dismiss} icon={<X aria-hidden />} size="s" />} />
      </Toast.Root>
    );
  });
}
