import type { Usage } from '@muster/protocol';

const quoted = (value: string): string =>
  // A leading sign would be a formula to a spreadsheet.
  `"${(/^[=+\-@]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;

/** One row for each line of each bucket. */
export function usageCsv({ buckets, currency, tz }: Usage): string {
  const head = [
    'bucket',
    'start',
    'end',
    'zone',
    'meter',
    'unit',
    'group',
    'quantity',
    'open',
    'cost',
    'currency',
    'unpriced',
  ];
  const rows = buckets.flatMap(({ label, start, end, lines }) =>
    lines.map(({ meter, unit, group, quantity, open, cost, unpriced }) =>
      [
        label,
        start,
        end,
        tz,
        meter,
        unit,
        group ?? '',
        String(quantity),
        String(open),
        cost ?? '',
        currency,
        String(unpriced),
      ]
        .map(quoted)
        .join(','),
    ),
  );
  return `${[head.join(','), ...rows].join('\r\n')}\r\n`;
}
