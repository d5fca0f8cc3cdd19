import { CalendarDays, ChevronDown } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { exact, msOf } from './format.ts';
import { Popover } from './popover.tsx';
import { useZone } from './time.tsx';
import { localOf, momentOf } from './zone-time.ts';

/** `last` counts back from now; otherwise ISO times, either of which may be open. */
export type Range = { last?: string | undefined; from?: string | undefined; to?: string | undefined };
export type DateRangeProps = {
  value: Range;
  onChange: (value: Range) => void;
  presets?: readonly string[] | undefined;
};

const usual = ['15m', '1h', '24h', '7d'] as const;

/** A stretch of time: the last so much, or from and to in the reader's zone. */
export function DateRange({ value, onChange, presets = usual }: DateRangeProps): ReactNode {
  const zone = useZone();
  return (
    <Popover
      label={words.range.label}
      icon={<CalendarDays aria-hidden />}
      iconEnd={<ChevronDown aria-hidden />}
      button={told(value, zone)}
      align="end"
    >
      {(close) => (
        <Form
          value={value}
          presets={presets}
          onChange={(next) => {
            onChange(next);
            close();
          }}
        />
      )}
    </Popover>
  );
}

function told({ last, from, to }: Range, zone: string): string {
  if (last !== undefined) return words.range.last(last);
  const [begin, end] = [msOf(from), msOf(to)];
  if (begin === null && end === null) return words.range.always;
  if (end === null) return words.range.since(exact(begin ?? 0, zone));
  return begin === null ? words.range.until(exact(end, zone)) : `${exact(begin, zone)} – ${exact(end, zone)}`;
}

function Form({
  value,
  presets,
  onChange,
}: {
  value: Range;
  presets: readonly string[];
  onChange: (value: Range) => void;
}): ReactNode {
  const zone = useZone();
  const [from, setFrom] = useState(localOf(value.from, zone));
  const [to, setTo] = useState(localOf(value.to, zone));
  const [begin, end] = [momentOf(from, zone), momentOf(to, zone)];
  const wrong =
    begin === undefined && end === undefined
      ? words.range.empty
      : begin !== undefined && end !== undefined && begin >= end
        ? words.range.backwards
        : undefined;
  const zoneName = zone === 'utc' ? 'UTC' : zone === 'local' ? words.range.localZone : zone;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap gap-2">
        {presets.map((last) => (
          <Button key={last} size="s" aria-pressed={value.last === last} onClick={() => onChange({ last })}>
            {words.range.last(last)}
          </Button>
        ))}
        <Button size="s" aria-pressed={!value.last && !value.from && !value.to} onClick={() => onChange({})}>
          {words.range.always}
        </Button>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Moment label={words.range.from} value={from} onChange={setFrom} />
        <Moment label={words.range.to} value={to} onChange={setTo} />
      </div>
      <div className="spread">
        <span className="text-xs text-soft">{words.range.zone(zoneName)}</span>
        <Button
          size="s"
          variant="primary"
          disabledReason={wrong}
          onClick={() =>
            onChange({ ...(begin === undefined ? {} : { from: begin }), ...(end === undefined ? {} : { to: end }) })
          }
        >
          {words.range.apply}
        </Button>
      </div>
    </div>
  );
}

function Moment({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  return (
    <label className="field">
      <span className="field-label">{label}</span>
      <span className="control">
        <input type="datetime-local" step={1} value={value} onChange={(event) => onChange(event.target.value)} />
      </span>
    </label>
  );
}
