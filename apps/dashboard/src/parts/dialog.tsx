import { type ReactNode, type RefObject, Suspense, useState } from 'react';
import { lazyPart } from './lazy-part.ts';

export type DialogProps = {
  open: boolean;
  onClose: () => void;
  title: string;
  detail?: ReactNode;
  /** Buttons; the safe one first. */
  footer?: ReactNode;
  size?: 's' | 'm' | 'l' | undefined;
  /** A press outside and Escape do nothing: what is shown is shown once. */
  keep?: boolean | undefined;
  initialFocus?: RefObject<HTMLElement | null> | undefined;
  children?: ReactNode;
};

const Popup = lazyPart(() => import('./dialog-popup.tsx').then(({ DialogPopup }) => DialogPopup));

/** Asks for something before the page goes on. */
export function Dialog({ size = 'm', ...rest }: DialogProps): ReactNode {
  return <LazyDialog {...rest} looks={`dialog dialog-${size}`} />;
}

/** Loads with the first opening and stays, so that focus can go back to the opener. */
export function LazyDialog(props: Omit<DialogProps, 'size'> & { looks: string }): ReactNode {
  const [wanted, setWanted] = useState(props.open);
  if (props.open && !wanted) setWanted(true);
  return wanted ? (
    <Suspense>
      <Popup {...props} />
    </Suspense>
  ) : null;
}
