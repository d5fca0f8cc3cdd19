const thinking = /<(think|thinking|reasoning|thought)>[\s\S]*?(?:<\/\1>|$)/giu;
const objectsMax = 20;
/** An answer is a few hundred characters; whatever comes behind so many is not read. */
const charsMax = 16_000;
const startsMax = 50;

/**
 * The JSON objects in what a model wrote: thoughts and fences are passed over, prose around them too. Only whole ones;
 * half an object is none.
 */
export function findObjects(text: string): Record<string, unknown>[] {
  const plain = text.replaceAll(thinking, ' ').slice(0, charsMax);
  const found: Record<string, unknown>[] = [];
  let at = plain.indexOf('{');
  for (let starts = 0; at !== -1 && found.length < objectsMax && starts < startsMax; starts++) {
    const end = endOf(plain, at);
    const object = end === undefined ? undefined : parsed(plain.slice(at, end));
    if (object) found.push(object);
    at = plain.indexOf('{', object && end !== undefined ? end : at + 1);
  }
  return found;
}

/** Behind the brace that closes the one at `start`; braces in strings do not count. */
function endOf(text: string, start: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{') depth += 1;
    else if (char === '}' && --depth === 0) return at + 1;
  }
  return undefined;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
