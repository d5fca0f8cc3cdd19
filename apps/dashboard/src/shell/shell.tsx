import { type ReactNode, useState } from 'react';
import { useOverviewNews } from '../live/overview.ts';
import { ConfirmHost } from '../parts/confirm.tsx';
import { KeyHints, KeysProvider } from '../parts/keys.tsx';
import { usePlace } from '../parts/nav.tsx';
import { ToastHost } from '../parts/toast.tsx';
import type { Area } from './area.ts';
import { Frame } from './frame.tsx';
import { openPalette, PaletteHost } from './palette-host.tsx';
import { useLetterKeys } from './preferences.ts';
import { Session } from './session.tsx';
import { Shortcuts } from './shortcuts.tsx';
import { ZoneProvider } from './zone.tsx';

/** Around every page: who is there, the frame, and what any page may call for. */
export function Shell({ areas, step, children }: ShellProps): ReactNode {
  const project = new URLSearchParams(usePlace().search).get('project');
  return (
    <ZoneProvider>
      <Session project={project === null || project === '' ? undefined : project}>
        <Inside areas={areas} step={step}>
          {children}
        </Inside>
      </Session>
    </ZoneProvider>
  );
}

/** `step` names where in the history the reader is. */
export type ShellProps = { areas: readonly Area[]; step: string; children: ReactNode };

function Inside({ areas, step, children }: ShellProps): ReactNode {
  const [keysShown, showKeys] = useState(false);
  const open = (): void => showKeys(true);
  useOverviewNews();
  return (
    <KeysProvider enabled={useLetterKeys()}>
      <Shortcuts areas={areas} onKeys={open} />
      <Frame areas={areas} step={step} onSearch={() => openPalette()} onKeys={open}>
        {children}
      </Frame>
      <PaletteHost areas={areas} />
      <KeyHints open={keysShown} onClose={() => showKeys(false)} />
      <ConfirmHost />
      <ToastHost />
    </KeysProvider>
  );
}
