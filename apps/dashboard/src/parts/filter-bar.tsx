import { Search as SearchIcon } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { Chip } from './chip.tsx';
import { useKeys } from './keys.tsx';
import { matching } from './matching.ts';
import type { Option } from './option.ts';
import type { InvalidParam } from './search.ts';
import { Suggest } from './suggest.tsx';
import { type LoadOptions, useLoaded } from './use-loaded.ts';

export type FilterKey = {
  key: string;
  label: string;
  options?: readonly Option[] | undefined;
  /** Looks values up; keep it stable between renders. */
  load?: LoadOptions | undefined;
  /** Values are `key=value`. */
  pair?: boolean | undefined;
  /** At most one value. */
  one?: boolean | undefined;
  hint?: string | undefined;
};

export type FilterBarProps = {
  keys: readonly FilterKey[];
  /** What is filtered by now, by key. */
  values: Readonly<Record<string, readonly string[]>>;
  onChange: (key: string, values: string[]) => void;
  invalid?: readonly InvalidParam[] | undefined;
  onDrop?: ((invalid: InvalidParam) => void) | undefined;
  onClear: () => void;
  /** Words to search for; without, the field only makes filters. */
  text?: { value: string; onChange: (text: string) => void; placeholder: string } | undefined;
  /** Range, saved views, export, the table's options. */
  end?: ReactNode;
};

const valuesMax = 30;

/**
 * Filters as chips, and one field that makes them: it suggests keys, then values of the key; `state:` or `state=` picks the
 * key by typing. What is no filter is searched for on Enter.
 */
export function FilterBar({
  keys,
  values,
  onChange,
  invalid = [],
  onDrop,
  onClear,
  text,
  end,
}: FilterBarProps): ReactNode {
  const [typed, setTyped] = useState(text?.value ?? '');
  const input = useRef<HTMLInputElement>(null);
  const given = text?.value ?? '';
  useEffect(() => setTyped(given), [given]);
  useKeys([{ keys: '/', label: words.filter.focus, group: words.keys.list, run: () => input.current?.focus() }]);

  const { key, rest } = useMemo(() => split(typed, keys), [typed, keys]);
  const loaded = useLoaded(key?.load, rest);
  const options = key
    ? valuesOf(key, rest, key.load ? loaded.options : (key.options ?? []), values[key.key] ?? [])
    : keysOf(keys, typed);
  const add = (filter: FilterKey, value: string): void => {
    const before = filter.one ? [] : (values[filter.key] ?? []);
    if (!before.includes(value)) onChange(filter.key, [...before, value]);
    setTyped(given);
  };
  const pick = (option: Option): void => {
    if (key) add(key, option.value);
    else {
      setTyped(`${option.value}:`);
      input.current?.focus();
    }
  };
  const enter = (entered: string): void => {
    if (key) {
      const free = key.options === undefined;
      if (rest !== '' && (free || key.options?.some((option) => option.value === rest))) add(key, rest);
    } else text?.onChange(entered.trim());
  };
  const chips = keys.flatMap((filter) => (values[filter.key] ?? []).map((value) => ({ filter, value })));
  const last = chips.at(-1);
  const drop = (filter: FilterKey, value: string): void =>
    onChange(
      filter.key,
      (values[filter.key] ?? []).filter((each) => each !== value),
    );
  return (
    <div className="filter-bar" role="search">
      <div className="control filter-field">
        <SearchIcon aria-hidden />
        {chips.map(({ filter, value }) => (
          <Chip
            key={`${filter.key} ${value}`}
            name={filter.label}
            value={filter.options?.find((option) => option.value === value)?.label ?? value}
            onRemove={() => drop(filter, value)}
          />
        ))}
        {invalid.map((each) => (
          <Chip
            key={`${each.key} ${each.value}`}
            name={each.key}
            value={each.value}
            invalid={words.filter.invalid(each.message)}
            onRemove={onDrop ? () => onDrop(each) : undefined}
          />
        ))}
        <Suggest
          ref={input}
          text={typed}
          onText={(next) => {
            setTyped(next);
            if (next === '' && given !== '') text?.onChange('');
          }}
          options={options}
          busy={loaded.busy}
          eager={key !== undefined}
          onPick={pick}
          onEnter={enter}
          onBack={last ? () => drop(last.filter, last.value) : undefined}
          placeholder={chips.length + invalid.length === 0 ? (text?.placeholder ?? words.filter.add) : words.filter.add}
          aria-label={words.filter.label}
        />
        {chips.length + invalid.length > 0 || given !== '' ? (
          <Button size="s" variant="quiet" onClick={onClear}>
            {words.filter.clear}
          </Button>
        ) : null}
      </div>
      {end === undefined ? null : <div className="filter-end">{end}</div>}
    </div>
  );
}

/** `state:fai` is the key `state` and `fai`; a key is known by its name or its label. */
function split(typed: string, keys: readonly FilterKey[]): { key: FilterKey | undefined; rest: string } {
  const at = typed.search(/[:=]/);
  const name = at < 1 ? '' : typed.slice(0, at).trim().toLowerCase();
  const key =
    name === '' ? undefined : keys.find((each) => each.key.toLowerCase() === name || each.label.toLowerCase() === name);
  return { key, rest: key ? typed.slice(at + 1).trim() : typed };
}

function valuesOf(key: FilterKey, rest: string, all: readonly Option[], used: readonly string[]): readonly Option[] {
  return matching(
    all.filter((option) => !used.includes(option.value)),
    key.load ? '' : rest,
  ).slice(0, valuesMax);
}

const keysOf = (keys: readonly FilterKey[], typed: string): readonly Option[] =>
  matching(
    keys.map(({ key, label, hint, pair }) => ({
      value: key,
      label,
      hint: hint ?? (pair ? words.filter.pairHint : undefined),
    })),
    typed,
  );
