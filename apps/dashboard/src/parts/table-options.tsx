import { ArrowDown, ArrowUp, Settings2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { Checkbox } from './checkbox.tsx';
import { type Column, isShown, ordered, plainLayout, type TableLayout } from './columns.ts';
import { IconButton } from './icon-button.tsx';
import { Popover } from './popover.tsx';
import { Segmented } from './segmented.tsx';

export type TableOptionsProps<Row> = {
  columns: readonly Column<Row>[];
  layout: TableLayout;
  onLayout: (layout: TableLayout) => void;
};

/** Which columns a table has, in which order, and how close its rows stand. */
export function TableOptions<Row>({ columns, layout, onLayout }: TableOptionsProps<Row>): ReactNode {
  const all = ordered(columns, layout);
  const move = (from: number, by: 1 | -1): void => {
    const keys = all.map(({ key }) => key);
    const [key = ''] = keys.splice(from, 1);
    keys.splice(from + by, 0, key);
    onLayout({ ...layout, order: keys });
  };
  return (
    <Popover label={words.table.options} icon={<Settings2 aria-hidden />} align="end" variant="secondary">
      {() => (
        <div className="flex w-64 flex-col gap-3">
          <Segmented
            label={words.table.density}
            value={layout.density}
            onChange={(density) => onLayout({ ...layout, density: density === 'compact' ? 'compact' : 'comfortable' })}
            options={[
              { value: 'comfortable', label: words.table.comfortable },
              { value: 'compact', label: words.table.compact },
            ]}
          />
          <ul className="flex flex-col">
            {all.map((column, i) => (
              <li key={column.key} className="flex items-center justify-between gap-2">
                <Checkbox
                  label={column.head}
                  checked={isShown(column, layout)}
                  disabledReason={column.fixed ? words.table.fixed : undefined}
                  onChange={(shown) => onLayout({ ...layout, shown: { ...layout.shown, [column.key]: shown } })}
                />
                <span className="flex">
                  <IconButton
                    size="s"
                    label={words.table.moveUp(column.head)}
                    icon={<ArrowUp aria-hidden />}
                    disabledReason={i === 0 ? words.table.isFirst : undefined}
                    onClick={() => move(i, -1)}
                  />
                  <IconButton
                    size="s"
                    label={words.table.moveDown(column.head)}
                    icon={<ArrowDown aria-hidden />}
                    disabledReason={i === all.length - 1 ? words.table.isLast : undefined}
                    onClick={() => move(i, 1)}
                  />
                </span>
              </li>
            ))}
          </ul>
          <Button size="s" variant="quiet" onClick={() => onLayout(plainLayout)}>
            {words.table.reset}
          </Button>
        </div>
      )}
    </Popover>
  );
}
