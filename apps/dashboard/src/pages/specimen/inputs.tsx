import { Search } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Checkbox } from '../../parts/checkbox.tsx';
import { Combobox } from '../../parts/combobox.tsx';
import { DateRange, type Range } from '../../parts/date-range.tsx';
import { Field } from '../../parts/field.tsx';
import { FileDrop } from '../../parts/file-drop.tsx';
import { Input, NumberInput, TextArea } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RadioGroup } from '../../parts/radio.tsx';
import { RangeInput } from '../../parts/range-input.tsx';
import { Segmented } from '../../parts/segmented.tsx';
import { Select } from '../../parts/select.tsx';
import { Switch } from '../../parts/switch.tsx';
import { TagInput } from '../../parts/tag-input.tsx';

const zones = ['UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney'].map(
  (value) => ({ value, label: value }),
);

export function Inputs(): ReactNode {
  const [text, setText] = useState('shop 2.4');
  const [tags, setTags] = useState<string[]>(['pixel art', 'owls']);
  const [zone, setZone] = useState('Europe/Berlin');
  const [on, setOn] = useState(true);
  const [odds, setOdds] = useState(0.3);
  const [size, setSize] = useState<number | null>(50);
  const [range, setRange] = useState<Range>({ last: '24h' });
  const [choice, setChoice] = useState('pause');
  const [file, setFile] = useState<File | null>(null);
  return (
    <Panel title="Inputs">
      <div className="grid gap-4 md:grid-cols-2">
        <Field label="Name" hint="Shown in lists and in the log.">
          <Input value={text} onChange={setText} clearable />
        </Field>
        <Field label="Username" error="“shop 2.4” holds a space; use letters, digits and _." optional>
          <Input value={text} onChange={setText} mono />
        </Field>
        <Field label="Search">
          <Input value="" onChange={() => undefined} icon={<Search aria-hidden />} placeholder="Name or id" />
        </Field>
        <Field label="Rows on a page">
          <NumberInput value={size} onChange={setSize} min={1} max={200} suffix="rows" />
        </Field>
        <Field label="Platform">
          <Select
            value="ios"
            onChange={() => undefined}
            options={[
              { value: 'ios', label: 'iOS' },
              { value: 'android', label: 'Android' },
            ]}
          />
        </Field>
        <Field label="Zone">
          <Combobox value={zone} onChange={setZone} options={zones} />
        </Field>
        <Field label="Interests">
          <TagInput
            value={tags}
            onChange={setTags}
            suggestions={['night cities', 'moss', 'trains', 'owls']}
            check={(tag) => (tag.length > 20 ? 'At most 20 characters.' : undefined)}
          />
        </Field>
        <Field label="Odds of a post">
          <RangeInput
            value={odds}
            onChange={setOdds}
            min={0}
            max={1}
            step={0.01}
            format={(value) => `${Math.round(value * 100)} %`}
          />
        </Field>
        <Field label="Note">
          <TextArea value="Why this is released" onChange={() => undefined} rows={3} />
        </Field>
        <Field label="Source" hint="At most 200 MB.">
          <FileDrop label="Drop a .zip here" accept=".zip" file={file} onFile={setFile} />
        </Field>
        <div className="stack gap-2">
          <Checkbox label="Only mine" checked={on} onChange={setOn} />
          <Checkbox label="Some of them" checked={false} indeterminate onChange={() => undefined} hint="Two of five." />
          <Checkbox
            label="Not for you"
            checked={false}
            onChange={() => undefined}
            disabledReason="Needs admin on accounts"
          />
          <Switch label="Acts on its own" checked={on} onChange={setOn} hint="Turns it off at once." />
          <Switch label="Off" checked={!on} onChange={(next) => setOn(!next)} />
        </div>
        <div className="stack">
          <RadioGroup
            label="When the budget is reached"
            value={choice}
            onChange={setChoice}
            options={[
              { value: 'pause', label: 'Pause', hint: 'Goes on when the day is over.' },
              { value: 'stop', label: 'Stop' },
            ]}
          />
          <div className="row flex-wrap">
            <Segmented
              label="Range"
              value="1h"
              onChange={() => undefined}
              options={['15m', '1h', '24h', '7d'].map((value) => ({ value, label: value }))}
            />
            <DateRange value={range} onChange={setRange} />
          </div>
        </div>
      </div>
    </Panel>
  );
}
