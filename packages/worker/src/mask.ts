/** Shorter values are not masked: they would blank out ordinary words. */
const maskedCharsMin = 8;
const maskText = '***';
/** A tail held back for a secret that may go on is let go past this size, so memory stays bounded. */
const heldBytesMax = 1024 * 1024;

/**
 * Replaces secrets in text and in byte streams. Works on latin1 strings of the raw bytes, so a secret is found wherever
 * a chunk happens to be cut, also in the middle of a UTF-8 character.
 */
export class Mask {
  readonly #patterns: readonly string[];
  readonly #longest: number;

  /** `secrets`: values of `secretEnv`. Each of their lines counts too: a key printed line by line must not show. */
  constructor(secrets: readonly string[]) {
    const values = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]).map((value) => value.trim());
    const wanted = new Set([...secrets, ...values].filter((value) => value.length >= maskedCharsMin));
    this.#patterns = [...wanted]
      .map((value) => Buffer.from(value).toString('latin1'))
      .sort((a, b) => b.length - a.length);
    this.#longest = this.#patterns[0]?.length ?? 0;
  }

  text(text: string): string {
    if (this.#longest === 0) return text;
    const raw = Buffer.from(text).toString('latin1');
    return Buffer.from(replaced(raw, this.#spans(raw)), 'latin1').toString();
  }

  /** A masker for one byte stream; each stream needs its own. */
  stream(): MaskStream {
    let held = '';
    const emit = (final: boolean): Buffer => {
      if (held === '') return Buffer.alloc(0);
      const spans = this.#spans(held);
      let cut = final || held.length > heldBytesMax ? held.length : this.#possibleStart(held);
      // A secret that reaches over the cut waits as a whole: it may overlap with the one that may follow.
      if (!final && held.length <= heldBytesMax) {
        for (const [from, to] of spans) if (from < cut && to > cut) cut = from;
      }
      const ready = held.slice(0, cut);
      const out = replaced(
        ready,
        spans.filter(([from]) => from < cut),
      );
      held = held.slice(cut);
      return Buffer.from(out, 'latin1');
    };
    return {
      push: (chunk) => {
        if (this.#longest === 0) return chunk;
        held += chunk.toString('latin1');
        return emit(false);
      },
      end: () => emit(true),
    };
  }

  /** All occurrences, overlapping ones merged, in order. */
  #spans(raw: string): [number, number][] {
    const found: [number, number][] = [];
    for (const pattern of this.#patterns) {
      for (let at = raw.indexOf(pattern); at !== -1; at = raw.indexOf(pattern, at + 1))
        found.push([at, at + pattern.length]);
    }
    found.sort((a, b) => a[0] - b[0]);
    const merged: [number, number][] = [];
    for (const span of found) {
      const last = merged.at(-1);
      if (last && span[0] < last[1]) last[1] = Math.max(last[1], span[1]);
      else merged.push([...span]);
    }
    return merged;
  }

  /** The first position from which the rest of `raw` could be the beginning of a secret; its length when none. */
  #possibleStart(raw: string): number {
    let earliest = raw.length;
    for (const pattern of this.#patterns) {
      const first = pattern.slice(0, 1);
      const from = Math.max(0, raw.length - pattern.length + 1);
      for (let at = raw.indexOf(first, from); at !== -1 && at < earliest; at = raw.indexOf(first, at + 1)) {
        if (pattern.startsWith(raw.slice(at))) {
          earliest = at;
          break;
        }
      }
    }
    return earliest;
  }
}

export type MaskStream = {
  /** Bytes that are safe to show now. */
  push(chunk: Buffer): Buffer;
  /** The rest, at the end of the stream. */
  end(): Buffer;
};

function replaced(raw: string, spans: readonly [number, number][]): string {
  if (spans.length === 0) return raw;
  let out = '';
  let done = 0;
  for (const [from, to] of spans) {
    out += raw.slice(done, from) + maskText;
    done = to;
  }
  return out + raw.slice(done);
}
