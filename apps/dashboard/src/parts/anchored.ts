import { type RefObject, useLayoutEffect } from 'react';

const gapPx = 4;
const edgePx = 8;

/** Keeps a box in the top layer right below (or above) its anchor, as wide as it at least, while `open`. */
export function useAnchored(
  open: boolean,
  anchor: RefObject<HTMLElement | null>,
  box: RefObject<HTMLElement | null>,
): void {
  useLayoutEffect(() => {
    const shown = box.current;
    if (!open || !shown || !anchor.current) return undefined;
    shown.showPopover();
    const put = (): void => {
      if (!anchor.current) return;
      const at = anchor.current.getBoundingClientRect();
      shown.style.minWidth = `${at.width}px`;
      const size = shown.getBoundingClientRect();
      const below = at.bottom + gapPx;
      const fits =
        below + size.height + edgePx <= globalThis.innerHeight || at.top < globalThis.innerHeight - at.bottom;
      const right = document.documentElement.clientWidth - edgePx - size.width;
      shown.style.left = `${Math.max(edgePx, Math.min(at.left, right))}px`;
      shown.style.top = `${fits ? below : Math.max(edgePx, at.top - gapPx - size.height)}px`;
    };
    put();
    const seen = new ResizeObserver(put);
    seen.observe(shown);
    globalThis.addEventListener('scroll', put, true);
    globalThis.addEventListener('resize', put);
    return () => {
      seen.disconnect();
      globalThis.removeEventListener('scroll', put, true);
      globalThis.removeEventListener('resize', put);
      if (shown.isConnected) shown.hidePopover();
    };
  }, [open, anchor, box]);
}
