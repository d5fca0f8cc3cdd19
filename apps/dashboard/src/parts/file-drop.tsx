import { FileUp } from 'lucide-react';
import { type DragEvent, type ReactNode, useId, useRef, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { useFieldControl } from './field.tsx';
import { bytes } from './format.ts';
import { Text } from './text.tsx';

export type FileDropProps = {
  /** What kind of file: `Drop a .zip here`. */
  label: string;
  hint?: string | undefined;
  accept?: string | undefined;
  file?: File | null | undefined;
  onFile: (file: File) => void;
};

/** A file by dropping or choosing. Nothing is read or sent here. */
export function FileDrop({ label, hint, accept, file, onFile }: FileDropProps): ReactNode {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const own = useId();
  const field = useFieldControl();
  const take = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer.files[0];
    if (dropped) onFile(dropped);
  };
  return (
    <div
      className="drop"
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={take}
    >
      <FileUp aria-hidden className="text-soft" />
      {file ? (
        <span className="max-w-full">
          <Text value={file.name} max={120} className="font-medium" />{' '}
          <span className="num text-soft">{bytes(file.size)}</span>
        </span>
      ) : (
        <span>{label}</span>
      )}
      {hint === undefined ? null : <span className="text-sm text-soft">{hint}</span>}
      <input
        id={own}
        {...field}
        ref={input}
        type="file"
        accept={accept}
        aria-label={label}
        className="visually-hidden"
        tabIndex={-1}
        onChange={({ target }) => {
          const chosen = target.files?.[0];
          if (chosen) onFile(chosen);
          target.value = '';
        }}
      />
      <Button size="s" className="mt-2" onClick={() => input.current?.click()}>
        {file ? words.file.other : words.file.choose}
      </Button>
    </div>
  );
}
