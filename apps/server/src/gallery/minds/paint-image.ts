import { type Bound, MindError } from '#gallery/model';
import { type Caller, CallFailed } from './caller.ts';
import { NotNow } from './lane.ts';
import { mindLimits as limits } from './limits.ts';
import { imageCostOf } from './prices.ts';
import { callImage } from './sdk.ts';
import type { MindSpec } from './settings.ts';

export type PaintOrder = {
  prompt: string;
  size?: `${number}x${number}`;
  /** A model whose price nobody knows: refused, unless no money is capped. */
  unpriced?: 'refuse' | 'allow';
};
export type Painted = { bytes: Uint8Array; mimeType: string; costMicros: number; mind: string };

const usualSize = '1024x1024';
const usualQuality = 'medium';
const promptPointsMax = 1_000;

/** What one picture costs at most. Throws `MindError`. */
export function paintBound(
  spec: MindSpec | undefined,
  { size = usualSize, unpriced = 'refuse' }: Pick<PaintOrder, 'size' | 'unpriced'>,
): Bound {
  const found = needed(spec);
  const price = found.price && imageCostOf(found.price, size, usualQuality);
  const costMicros = price ?? (unpriced === 'allow' ? 0 : undefined);
  if (costMicros === undefined) {
    throw new MindError('price_unknown', `Nobody said what a picture of ${found.provider}:${found.model} costs.`);
  }
  return { tokensIn: 0, tokensOut: 0, costMicros, images: 1 };
}

/**
 * One picture. It is asked for again only when surely nobody painted it: what may be on the bill is in `used` of the
 * error, and asking twice is the caller's to decide.
 */
export async function paint(
  painter: { spec: MindSpec; caller: Caller } | undefined,
  order: PaintOrder,
  signal: AbortSignal,
): Promise<Painted> {
  const { costMicros } = paintBound(painter?.spec, order);
  if (!painter) throw new Error('invariant broken: a bound without a painter');
  const { spec, caller } = painter;
  const { size = usualSize } = order;
  const prompt = Array.from(order.prompt).slice(0, promptPointsMax).join('');
  try {
    const { answer } = await caller.call(
      {
        tokens: 0,
        timeoutMs: limits.imageTimeoutMs,
        paidMax: 1,
        call: (inner) => callImage(spec, { prompt, size }, inner),
      },
      signal,
    );
    return { bytes: answer.bytes, mimeType: answer.mimeType, costMicros, mind: spec.name };
  } catch (error) {
    if (!(error instanceof CallFailed) && !(error instanceof NotNow)) throw error;
    const paid = error instanceof CallFailed ? error.paid : 0;
    throw new MindError('mind_unavailable', error.message, {
      cause: error,
      used: { tokens: { in: 0, out: 0 }, costMicros: paid * costMicros },
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
}

function needed(spec: MindSpec | undefined): MindSpec {
  if (spec) return spec;
  throw new MindError('mind_unavailable', 'No model for pictures is set.');
}
