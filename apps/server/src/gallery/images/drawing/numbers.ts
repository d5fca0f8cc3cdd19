/**
 * A number as it stands in a drawing: at most two decimals, so that the last bits in which two machines' sines may differ
 * never reach the bytes. Throws on what no drawing can hold.
 */
export function fixed(value: number): string {
  const hundredths = Math.round(value * 100);
  if (!Number.isFinite(hundredths)) throw new RangeError(`${value} cannot be drawn`);
  const whole = Math.trunc(hundredths / 100);
  const rest = Math.abs(hundredths - whole * 100);
  if (rest === 0) return `${whole === 0 ? 0 : whole}`;
  const sign = hundredths < 0 && whole === 0 ? '-' : '';
  if (rest % 10 === 0) return `${sign}${whole}.${rest / 10}`;
  return rest < 10 ? `${sign}${whole}.0${rest}` : `${sign}${whole}.${rest}`;
}

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
export const between = (from: number, to: number, share: number): number => from + (to - from) * share;
export const turn = 2 * Math.PI;
