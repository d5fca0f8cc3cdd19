/*
 * One tooltip for the whole page. Elements only carry their text (`data-tip`); a single set of listeners shows it, so a
 * thousand rows cost nothing. Shown after a moment under the pointer, at once on keyboard focus; Escape, a press and
 * scrolling hide it. It lies in the top layer, above dialogs.
 */

const delayMs = 350;
const gapPx = 6;
const edgePx = 8;

export type Tip = { 'data-tip': string; 'data-tip-name'?: '' };

/** Spread on an element. `name`: the text is the element's accessible name already and is not told twice. */
export function tip(text: string, name?: 'name'): Tip {
  install();
  return name ? { 'data-tip': text, 'data-tip-name': '' } : { 'data-tip': text };
}

let box: HTMLElement | undefined;
let target: Element | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let installed = false;

function install(): void {
  if (installed || typeof document === 'undefined') return;
  installed = true;
  document.addEventListener('pointerover', (event) => {
    if (event.pointerType === 'touch') return;
    const found = tipped(event.target);
    if (found === target) return;
    hide();
    if (found) aim(found, delayMs);
  });
  document.addEventListener('focusin', (event) => {
    const found = tipped(event.target);
    if (found?.matches(':focus-visible')) aim(found, 0);
  });
  document.addEventListener('focusout', hide);
  document.addEventListener('pointerdown', hide, true);
  document.addEventListener('scroll', hide, true);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
  });
}

const tipped = (node: EventTarget | null): Element | undefined =>
  node instanceof Element ? (node.closest('[data-tip]') ?? undefined) : undefined;

function aim(found: Element, afterMs: number): void {
  hide();
  target = found;
  timer = setTimeout(() => show(found), afterMs);
}

function show(at: Element): void {
  const text = at.getAttribute('data-tip') ?? '';
  if (!at.isConnected || text === '') return;
  box ??= makeBox();
  box.textContent = text;
  document.body.append(box);
  box.showPopover();
  const anchor = at.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const left = Math.min(
    Math.max(edgePx, anchor.left + anchor.width / 2 - size.width / 2),
    document.documentElement.clientWidth - size.width - edgePx,
  );
  const below = anchor.bottom + gapPx;
  const fits = below + size.height + edgePx <= globalThis.innerHeight;
  box.style.left = `${Math.max(edgePx, left)}px`;
  box.style.top = `${fits ? below : Math.max(edgePx, anchor.top - gapPx - size.height)}px`;
  if (!at.hasAttribute('data-tip-name') && !at.hasAttribute('aria-describedby')) {
    at.setAttribute('aria-describedby', box.id);
  }
}

function hide(): void {
  clearTimeout(timer);
  if (target?.getAttribute('aria-describedby') === box?.id) target?.removeAttribute('aria-describedby');
  target = undefined;
  box?.remove();
}

function makeBox(): HTMLElement {
  const made = document.createElement('div');
  made.id = 'tip';
  made.className = 'tip';
  made.popover = 'manual';
  made.setAttribute('role', 'tooltip');
  return made;
}
