import { type KeyboardEvent, type ReactNode, useRef } from 'react';
import './data.css';
import { tip } from './tips.ts';

export type HeatGridProps = {
  label: string;
  rows: readonly string[];
  columns: readonly string[];
  /** 0 to 1 by row and column. */
  values: readonly (readonly number[])[];
  /** What a cell means, in words. */
  cell: (row: number, column: number) => string;
  /** A press on a cell; without, the grid only shows. */
  onChange?: ((row: number, column: number) => void) | undefined;
};

/** A small grid of levels, such as the hours of a week. The level is the height of the fill, not only its colour. */
export function HeatGrid({ label, rows, columns, values, cell, onChange }: HeatGridProps): ReactNode {
  const table = useRef<HTMLTableElement>(null);
  const walk = (event: KeyboardEvent, row: number, column: number): void => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [down = 0, right = 0] = step;
    table.current?.querySelector<HTMLElement>(`[data-at="${row + down}/${column + right}"]`)?.focus();
  };
  return (
    <div className="heat" role="region" aria-label={label} tabIndex={onChange ? undefined : 0}>
      <table ref={table} aria-label={label}>
        <thead>
          <tr>
            <td />
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((name, r) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {columns.map((column, c) => {
                const told = cell(r, c);
                const level = Math.min(1, Math.max(0, values[r]?.[c] ?? 0));
                const fill = (
                  <span className="heat-fill" style={{ height: `${level * 100}%`, opacity: 0.35 + level * 0.65 }} />
                );
                return (
                  <td key={column}>
                    {onChange ? (
                      <button
                        type="button"
                        className="heat-cell"
                        data-at={`${r}/${c}`}
                        tabIndex={r === 0 && c === 0 ? 0 : -1}
                        aria-label={told}
                        onClick={() => onChange(r, c)}
                        onKeyDown={(event) => walk(event, r, c)}
                        {...tip(told, 'name')}
                      >
                        {fill}
                      </button>
                    ) : (
                      <span className="heat-cell" role="img" aria-label={told} {...tip(told, 'name')}>
                        {fill}
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
