import type { Tone } from '@muster/protocol/tones';
import { type ReactNode, Suspense, useEffect, useState } from 'react';
import { lazyPart } from './lazy-part.ts';

export type ToastRequest = {
  title: string;
  detail?: string | undefined;
  tone?: Tone | undefined;
  /** Sends the inverse of what was just done (D11). */
  undo?: (() => unknown) | undefined;
  ms?: number | undefined;
};

/** Long enough to read it, think again and press undo. */
export const toastMs = 8_000;

const waiting: ToastRequest[] = [];
let deliver: ((request: ToastRequest) => void) | undefined;

/** Tells what was done. */
export function toast(request: ToastRequest): void {
  if (deliver) deliver(request);
  else waiting.push(request);
}

export const useToast = (): typeof toast => toast;

/** The list takes what was said before it was there, and everything after. */
export function takeToasts(take: (request: ToastRequest) => void): () => void {
  deliver = take;
  for (const request of waiting.splice(0)) take(request);
  return () => {
    if (deliver === take) deliver = undefined;
  };
}

const List = lazyPart(() => import('./toast-list.tsx').then(({ ToastList }) => ToastList));

/** Where toasts appear; mounted once. Its region is on the page before the first is said, or voices would miss that one. */
export function ToastHost(): ReactNode {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setReady(true), 1_000);
    return () => clearTimeout(timer);
  }, []);
  return ready ? (
    <Suspense>
      <List />
    </Suspense>
  ) : null;
}
