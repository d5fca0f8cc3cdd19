import type { Tone } from '@muster/protocol/tones';

/** One of several to choose from. */
export type Option = {
  value: string;
  label: string;
  hint?: string | undefined;
  tone?: Tone | undefined;
  disabled?: boolean | undefined;
};
