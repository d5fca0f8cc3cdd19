import { createContext, type ReactNode, use, useEffect, useId, useMemo, useRef, useSyncExternalStore } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Dialog } from './dialog.tsx';
import { Kbd } from './kbd.tsx';

/** `g b` is one after the other, `mod+k` together (Command on Apple's machines, Control elsewhere). */
export type KeyBinding = { keys: string; label: string; group?: string | undefined; run: () => void };

/** The second key of two has this long to come. */
const pairMs = 1_200;

/** What is bound on the page now. The newest binding of a key wins, so that a dialog's come before the page's. */
class KeyTable {
  #sets: readonly { id: string; bindings: readonly KeyBinding[] }[] = [];
  readonly #listeners = new Set<() => void>();
  singles = true;
  #first: { key: string; at: number } | undefined;

  readonly sets = (): readonly { id: string; bindings: readonly KeyBinding[] }[] => this.#sets;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  put(id: string, bindings: readonly KeyBinding[]): void {
    this.#sets = [...this.#sets.filter((set) => set.id !== id), ...(bindings.length > 0 ? [{ id, bindings }] : [])];
    for (const each of this.#listeners) each();
  }

  readonly press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    const mod = event.metaKey || event.ctrlKey;
    const typing = isField(event.target);
    if ((!mod && (typing || !this.singles)) || (event.altKey && !mod)) return;
    // Behind an open dialog nothing is bound but what holds everywhere.
    if (!mod && document.querySelector('[role=dialog], [role=menu], [role=alertdialog]') !== null) return;
    const key = event.key.length === 1 ? event.key : event.key.toLowerCase();
    const pressed = mod ? `mod+${key.toLowerCase()}` : key;
    const pair = this.#first && event.timeStamp - this.#first.at < pairMs ? `${this.#first.key} ${pressed}` : undefined;
    this.#first = undefined;
    const bound = (pair === undefined ? undefined : this.#find(pair)) ?? this.#find(pressed);
    if (bound) {
      event.preventDefault();
      bound.run();
    } else if (!mod && this.#begins(pressed)) this.#first = { key: pressed, at: event.timeStamp };
  };

  #find(keys: string): KeyBinding | undefined {
    for (const { bindings } of this.#sets.toReversed()) {
      const found = bindings.find((binding) => binding.keys === keys);
      if (found) return found;
    }
    return undefined;
  }

  #begins(key: string): boolean {
    return this.#sets.some(({ bindings }) => bindings.some((binding) => binding.keys.startsWith(`${key} `)));
  }
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('textarea, select, [role=textbox], [role=combobox]') ||
    (target.matches('input') && !target.matches('[type=checkbox], [type=radio], [type=button], [type=range]')));

const table = new KeyTable();
const KeysContext = createContext(table);

/** Listens to the keyboard; single keys can be turned off, combinations stay. */
export function KeysProvider({ enabled, children }: { enabled: boolean; children: ReactNode }): ReactNode {
  useEffect(() => {
    table.singles = enabled;
  }, [enabled]);
  useEffect(() => {
    document.addEventListener('keydown', table.press);
    return () => document.removeEventListener('keydown', table.press);
  }, []);
  return <KeysContext value={table}>{children}</KeysContext>;
}

/** Binds keys while the caller is on the page. They never fire in fields. */
export function useKeys(bindings: readonly KeyBinding[]): void {
  const id = useId();
  const keys = use(KeysContext);
  const latest = useRef(bindings);
  latest.current = bindings;
  const shape = JSON.stringify(bindings.map(({ keys, label, group }) => [keys, label, group]));
  useEffect(() => {
    keys.put(
      id,
      latest.current.map((binding, i) => ({ ...binding, run: () => latest.current[i]?.run() })),
    );
    return () => keys.put(id, []);
  }, [keys, id, shape]);
}

/** Every key of what is on the screen now. */
export function KeyHints({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const keys = use(KeysContext);
  const sets = useSyncExternalStore(keys.subscribe, keys.sets);
  const groups = useMemo(() => {
    const all = sets.flatMap(({ bindings }) => bindings);
    return Map.groupBy(
      all.filter((binding, i) => all.findLastIndex((other) => other.keys === binding.keys) === i),
      (binding) => binding.group ?? words.keys.everywhere,
    );
  }, [sets]);
  return (
    <Dialog open={open} onClose={onClose} title={words.keys.title} size="m">
      <div className="key-hints">
        {[...groups].map(([group, bindings]) => (
          <section key={group} aria-label={group}>
            <h3 className="text-sm text-soft">{group}</h3>
            <dl>
              {bindings.map((binding) => (
                <div key={binding.keys}>
                  <dt>{binding.label}</dt>
                  <dd>
                    <Kbd keys={binding.keys} />
                    <span className="visually-hidden">{binding.keys}</span>
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
