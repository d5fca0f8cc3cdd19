import { useEffect, useState } from 'react';
import type { Option } from './option.ts';

export type LoadOptions = (text: string, signal: AbortSignal) => Promise<readonly Option[]>;

const quietMs = 200;

/** Options that are looked up for what was typed; the newest question wins. A failed look-up suggests nothing. */
export function useLoaded(load: LoadOptions | undefined, text: string): { options: readonly Option[]; busy: boolean } {
  const [found, setFound] = useState<{ options: readonly Option[]; busy: boolean }>({ options: [], busy: false });
  useEffect(() => {
    if (!load) return undefined;
    const stop = new AbortController();
    setFound(({ options }) => ({ options, busy: true }));
    const timer = setTimeout(() => {
      load(text, stop.signal).then(
        (options) => {
          if (!stop.signal.aborted) setFound({ options, busy: false });
        },
        () => {
          if (!stop.signal.aborted) setFound({ options: [], busy: false });
        },
      );
    }, quietMs);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [load, text]);
  return load ? found : { options: [], busy: false };
}
