import type { ReactNode } from 'react';

const isApple = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);
const shown: Readonly<Record<string, string>> = {
  mod: isApple ? '⌘' : 'Ctrl',
  shift: '⇧',
  enter: '⏎',
  escape: 'Esc',
  arrowup: '↑',
  arrowdown: '↓',
  arrowleft: '←',
  arrowright: '→',
};

/** Keys as people find them on the keyboard: `g b`, `mod+k`. */
export function Kbd({ keys }: { keys: string }): ReactNode {
  const parts = keys.split(' ').map((part) => part.split('+').map((key) => shown[key.toLowerCase()] ?? key));
  return (
    <span className="inline-flex gap-1" aria-hidden>
      {parts.map((part) => (
        <kbd key={part.join('+')} className="kbd">
          {part.join(isApple ? '' : ' ')}
        </kbd>
      ))}
    </span>
  );
}
