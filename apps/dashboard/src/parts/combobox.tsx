import { ChevronDown } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { matching } from './matching.ts';
import type { Option } from './option.ts';
import { Suggest } from './suggest.tsx';
import { type LoadOptions, useLoaded } from './use-loaded.ts';

export type ComboboxProps = {
  value: string;
  onChange: (value: string) => void;
  options?: readonly Option[] | undefined;
  /** Looks options up for what is typed; keep it stable between renders. */
  load?: LoadOptions | undefined;
  /** Any text is a value, not only what is in the list. */
  free?: boolean | undefined;
  placeholder?: string | undefined;
  ariaLabel?: string | undefined;
};

const shownMax = 100;
const none: readonly Option[] = [];

/** One of many, found by typing. */
export function Combobox({
  value,
  onChange,
  options = none,
  load,
  free = false,
  placeholder,
  ariaLabel,
}: ComboboxProps): ReactNode {
  const [typed, setTyped] = useState<string>();
  const loaded = useLoaded(load, typed ?? '');
  const all = load ? loaded.options : options;
  const label = all.find((option) => option.value === value)?.label ?? value;
  const settle = (text: string): void => {
    const exact = all.find((option) => option.label === text || option.value === text);
    if (exact) onChange(exact.value);
    else if (free) onChange(text);
    setTyped(undefined);
  };
  return (
    <span className="control">
      <Suggest
        text={typed ?? label}
        onText={setTyped}
        options={load ? all : matching(all, typed ?? '').slice(0, shownMax)}
        busy={loaded.busy}
        eager={!free}
        placeholder={placeholder}
        aria-label={ariaLabel}
        onFocus={(event) => event.target.select()}
        onPick={(option) => {
          onChange(option.value);
          setTyped(undefined);
        }}
        onEnter={settle}
        onBlur={() => {
          if (typed !== undefined) settle(typed);
        }}
      />
      <ChevronDown aria-hidden />
    </span>
  );
}
