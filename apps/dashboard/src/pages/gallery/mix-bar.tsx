import type { ActKind } from '@muster/protocol';
import { actKinds } from '@muster/protocol/gallery';
import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { ShareBar } from '../../parts/bars.tsx';
import { galleryWords as words } from '../../words/gallery.ts';

/** Each kind keeps its colour wherever a mix is shown. */
const toneOfKind: Readonly<Record<ActKind, Tone>> = {
  post: 'live',
  comment: 'done',
  reply: 'waiting',
  like: 'warn',
  browse: 'off',
};

/** What is done how often, of weights or per cents. */
type MixBarProps = { label: string; mix: Readonly<Partial<Record<ActKind, number>>>; compact?: boolean };

export const MixBar = ({ label, mix, compact }: MixBarProps): ReactNode => (
  <ShareBar
    label={label}
    compact={compact}
    parts={actKinds.map((kind) => ({ label: words.acts[kind], value: mix[kind] ?? 0, tone: toneOfKind[kind] }))}
  />
);

/** Weights in per cent, as the server normalises them. */
export function mixOf(odds: Readonly<Record<ActKind, number>>): Record<ActKind, number> {
  const whole = actKinds.reduce((sum, kind) => sum + Math.max(0, odds[kind] || 0), 0);
  const share = (kind: ActKind): number =>
    whole === 0 ? 0 : Math.round((1_000 * Math.max(0, odds[kind] || 0)) / whole) / 10;
  return {
    post: share('post'),
    comment: share('comment'),
    reply: share('reply'),
    like: share('like'),
    browse: share('browse'),
  };
}
