import type { ReactNode } from 'react';
import { type DialogProps, LazyDialog } from './dialog.tsx';

export type DrawerProps = Omit<DialogProps, 'size' | 'detail' | 'keep'> & {
  note?: ReactNode;
  width?: 'm' | 'l' | undefined;
};

/** More about one thing, at the side (from below on a small screen). */
export function Drawer({ width = 'm', note, ...rest }: DrawerProps): ReactNode {
  return <LazyDialog {...rest} detail={note} looks={`dialog drawer drawer-${width}`} />;
}
