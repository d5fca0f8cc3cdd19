import {
  type InputHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { partsWords as words } from '../words/parts.ts';
import { useAnchored } from './anchored.ts';
import { useFieldControl } from './field.tsx';
import type { Option } from './option.ts';
import { Text } from './text.tsx';
import { ToneIcon } from './tone-icon.tsx';

export type SuggestProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'onSelect' | 'value'> & {
  text: string;
  onText: (text: string) => void;
  options: readonly Option[];
  onPick: (option: Option) => void;
  /** Enter where nothing is marked, or where the list is closed. */
  onEnter?: ((text: string) => void) | undefined;
  /** Backspace in an empty field. */
  onBack?: (() => void) | undefined;
  busy?: boolean | undefined;
  /** The first one is marked as soon as something is typed. */
  eager?: boolean | undefined;
  ref?: Ref<HTMLInputElement> | undefined;
};

/** A text field with a list of suggestions (the combobox pattern of ARIA 1.2). The list never takes the focus. */
export function Suggest(props: SuggestProps): ReactNode {
  const {
    text,
    onText,
    options,
    onPick,
    onEnter,
    onBack,
    busy = false,
    eager = false,
    onBlur,
    onFocus,
    ref,
    ...rest
  } = props;
  const [open, setOpen] = useState(false);
  const [marked, setMarked] = useState(-1);
  const id = useId();
  const field = useFieldControl();
  const anchor = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const shown = open && (options.length > 0 || busy);
  useAnchored(shown, anchor, box);
  const at = Math.min(marked, options.length - 1);
  const best = at === -1 && eager && text !== '' ? 0 : at;
  useEffect(() => {
    if (best >= 0) box.current?.children[best]?.scrollIntoView({ block: 'nearest' });
  }, [best]);
  const pick = (option: Option): void => {
    if (option.disabled) return;
    setMarked(-1);
    onPick(option);
  };
  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    const chosen = shown && best >= 0 ? options[best] : undefined;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!shown) setOpen(true);
      else if (options.length > 0)
        setMarked(
          event.key === 'ArrowDown'
            ? (best + 1) % options.length
            : (Math.max(best, 0) - 1 + options.length) % options.length,
        );
    } else if (event.key === 'Enter') {
      if (chosen) {
        event.preventDefault();
        pick(chosen);
      } else if (onEnter) {
        event.preventDefault();
        onEnter(text);
      }
    } else if (event.key === 'Escape' && shown) {
      // Closes the list only, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === 'Backspace' && text === '') onBack?.();
    else if (event.key === 'Tab') setOpen(false);
  };
  return (
    <>
      <input
        type="text"
        spellCheck={false}
        {...field}
        {...rest}
        ref={(element) => {
          anchor.current = element;
          if (typeof ref === 'function') ref(element);
          else if (ref) ref.current = element;
        }}
        role="combobox"
        autoComplete="off"
        aria-autocomplete="list"
        aria-expanded={shown}
        aria-controls={shown ? id : undefined}
        aria-activedescendant={shown && best >= 0 ? `${id}-${best}` : undefined}
        value={text}
        onChange={(event) => {
          setOpen(true);
          setMarked(-1);
          onText(event.target.value);
        }}
        onKeyDown={press}
        onClick={() => setOpen(true)}
        onFocus={onFocus}
        onBlur={(event) => {
          setOpen(false);
          onBlur?.(event);
        }}
      />
      {shown ? (
        <div ref={box} popover="manual" id={id} role="listbox" aria-label={words.suggest.list} className="menu suggest">
          {options.map((option, i) => (
            <div
              key={option.value}
              id={`${id}-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === best}
              aria-disabled={option.disabled}
              className="menu-item"
              // Before the field loses the focus.
              onPointerDown={(event) => {
                event.preventDefault();
                pick(option);
              }}
              onPointerMove={() => setMarked(i)}
            >
              {option.tone === undefined ? null : <ToneIcon tone={option.tone} />}
              <span className="menu-text">
                <Text value={option.label} max={120} />
                {option.hint === undefined ? null : <span className="menu-hint">{option.hint}</span>}
              </span>
            </div>
          ))}
          {busy && options.length === 0 ? <div className="menu-heading">{words.suggest.loading}</div> : null}
        </div>
      ) : null}
    </>
  );
}
