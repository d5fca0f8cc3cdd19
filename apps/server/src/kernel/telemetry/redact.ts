const usualMask = '[redacted]';
const depthMax = 6;

/**
 * Names whose values never reach a log (I8): headers that carry credentials, and every field that ends in a word for a
 * secret, in camel, snake and kebab case. `tokens` as a count (`modelTokens: 12`) is a number and stays.
 */
const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-worker-token|x-build-token|x-vm-token|otp)$|(password|passphrase|secret|token|api_?key|credential|private_?key|keychain)s?$/i;

/** A copy of `fields` in which every value under a secret name is masked, six levels deep. Never changes its input. */
export function redact(fields: Readonly<Record<string, unknown>>, mask: string = usualMask): Record<string, unknown> {
  return copy(fields, 0, mask);
}

function copy(from: object, depth: number, mask: string): Record<string, unknown> {
  const to: Record<string, unknown> = {};
  const entries: [string, unknown][] = Object.entries(from);
  for (const [name, value] of entries) to[name] = masked(name, value, depth, mask);
  return to;
}

function masked(name: string, value: unknown, depth: number, mask: string): unknown {
  if ((typeof value === 'string' || Array.isArray(value)) && secretName.test(name)) return mask;
  return clean(value, depth + 1, mask);
}

function clean(value: unknown, depth: number, mask: string): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Error) return value;
  if (depth > depthMax) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1, mask));
  return copy(value, depth, mask);
}

/** An address without the parts that carry credentials: query values under secret names are masked. */
export function redactUrl(url: string): string {
  const at = url.indexOf('?');
  if (at === -1) return url;
  const query = url
    .slice(at + 1)
    .split('&')
    .map((pair) => {
      const name = pair.split('=', 1)[0] ?? '';
      return secretName.test(name) ? `${name}=${usualMask}` : pair;
    });
  return `${url.slice(0, at)}?${query.join('&')}`;
}
