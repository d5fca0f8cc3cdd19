/* Frames of the channel protocol the replaced controller spoke: arrays `[joinRef, ref, topic, event, payload]`, or objects
 * with the same names. A client is answered in the form it uses. */

export type Frame = {
  form: 'array' | 'object';
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: Readonly<Record<string, unknown>>;
};

const charsMax = 256;

/** A frame, or `undefined` for what is none. */
export function readFrame(text: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const form = Array.isArray(value) ? 'array' : 'object';
  const [joinRef, ref, topic, event, payload] = Array.isArray(value) ? (value as unknown[]) : fieldsOf(value);
  if (!isName(topic) || !isName(event) || !isRef(joinRef) || !isRef(ref)) return undefined;
  const bare = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? payload : {};
  return { form, joinRef: refOf(joinRef), ref: refOf(ref), topic, event, payload: bare as Frame['payload'] };
}

function fieldsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const { join_ref, ref, topic, event, payload } = value as Record<string, unknown>;
  return [join_ref, ref, topic, event, payload];
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= charsMax;
const isRef = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  typeof value === 'number' ||
  (typeof value === 'string' && value.length <= charsMax);
const refOf = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null;

export const writeFrame = (
  form: Frame['form'],
  { joinRef, ref, topic, event, payload }: Omit<Frame, 'form' | 'payload'> & { payload: unknown },
): string =>
  JSON.stringify(
    form === 'array' ? [joinRef, ref, topic, event, payload] : { join_ref: joinRef, ref, topic, event, payload },
  );

export const replyTo = (frame: Frame, status: 'ok' | 'error', response: unknown): string =>
  writeFrame(frame.form, { ...frame, event: 'phx_reply', payload: { status, response } });
