import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Duration } from './duration.tsx';
import type { GanttProps } from './gantt-rows.ts';
import { Text } from './text.tsx';
import { Time } from './time.tsx';
import { ToneIcon } from './tone-icon.tsx';

/** The same rows in words and numbers. */
export function GanttTable({ label, rows, now }: Omit<GanttProps, 'onSelect'>): ReactNode {
  return (
    <div className="plain-table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.gantt.row}</th>
            <th scope="col">{words.gantt.part}</th>
            <th scope="col">{words.gantt.from}</th>
            <th scope="col">{words.gantt.length}</th>
          </tr>
        </thead>
        <tbody>
          {rows.flatMap((row) =>
            row.bars.map((bar) => (
              <tr key={`${row.key} ${bar.key}`}>
                <td>
                  <Text value={row.label} max={80} />
                </td>
                <td>
                  <span className="row">
                    <ToneIcon tone={bar.tone} mark={bar.mark} />
                    <Text value={bar.label} max={120} />
                  </span>
                </td>
                <td>
                  <Time at={bar.from} show="clock" />
                </td>
                <td>
                  <Duration ms={(bar.to ?? now ?? bar.from) - bar.from} />
                  {bar.to === null ? <span className="text-soft"> {words.gantt.running}</span> : null}
                </td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </div>
  );
}
