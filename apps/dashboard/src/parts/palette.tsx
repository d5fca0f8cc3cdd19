import { Dialog as Base } from '@base-ui/react/dialog';
import { Command } from 'cmdk';
import { Search } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Kbd } from './kbd.tsx';
import { Text } from './text.tsx';

export type PaletteItem = {
  id: string;
  label: string;
  hint?: string | undefined;
  /** More words it is found by. */
  words?: string | undefined;
  icon?: ReactNode;
  keys?: string | undefined;
  disabledReason?: string | undefined;
  run: () => void;
};
export type PaletteGroup = { title: string; items: readonly PaletteItem[] };

export type PaletteProps = {
  open: boolean;
  onClose: () => void;
  groups: readonly PaletteGroup[];
  /** Told what is typed, to look things up; what is found is put into `groups`. */
  onQuery?: ((text: string) => void) | undefined;
  /** What stands in the field at first. */
  first?: string | undefined;
  busy?: boolean | undefined;
};

/** Goes anywhere and does anything by typing a few letters of it. */
export function Palette({ open, onClose, groups, onQuery, first = '', busy = false }: PaletteProps): ReactNode {
  const [text, setText] = useState(first);
  const run = (item: PaletteItem): void => {
    if (item.disabledReason !== undefined) return;
    onClose();
    item.run();
  };
  return (
    <Base.Root
      open={open}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="shade" />
        <Base.Popup className="dialog palette" aria-label={words.palette.label}>
          <Command label={words.palette.label} loop>
            <div className="palette-field">
              <Search aria-hidden size={18} />
              <Command.Input
                value={text}
                onValueChange={(next) => {
                  setText(next);
                  onQuery?.(next);
                }}
                placeholder={words.palette.placeholder}
                maxLength={500}
              />
              <Kbd keys="escape" />
            </div>
            <Command.List className="palette-list" label={words.palette.results}>
              <Command.Empty className="empty text-soft">
                {busy ? words.palette.looking : words.palette.none}
              </Command.Empty>
              {groups.map(({ title, items }) =>
                items.length === 0 ? null : (
                  <Command.Group key={title} heading={title}>
                    {items.map((item) => (
                      <Command.Item
                        key={item.id}
                        value={item.id}
                        keywords={[item.label, item.hint ?? '', item.words ?? '']}
                        disabled={item.disabledReason !== undefined}
                        onSelect={() => run(item)}
                        className="menu-item"
                      >
                        {item.icon}
                        <span className="menu-text clip">
                          <Text value={item.label} max={100} />
                          {item.disabledReason === undefined ? null : (
                            <span className="menu-hint">{item.disabledReason}</span>
                          )}
                        </span>
                        {item.hint === undefined ? null : (
                          <Text value={item.hint} max={60} className="text-sm text-soft clip" />
                        )}
                        {item.keys === undefined ? null : <Kbd keys={item.keys} />}
                      </Command.Item>
                    ))}
                  </Command.Group>
                ),
              )}
            </Command.List>
          </Command>
          <div className="palette-foot" aria-hidden>
            <span>
              <Kbd keys="arrowup arrowdown" /> {words.palette.move}
            </span>
            <span>
              <Kbd keys="enter" /> {words.palette.go}
            </span>
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
