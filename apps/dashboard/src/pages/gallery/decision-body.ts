/** What is recorded of a think (`body` of a decision); all of it may be missing in older rows, or erased. */
export type DecisionBody = {
  thinkNo: number | null;
  persona: { id: string; version: number } | null;
  by: string | null;
  odds: [kind: string, weight: number][];
  barred: [kind: string, reason: string][];
  candidates: {
    itemId: string;
    title: string;
    author: string | null;
    isAgent: boolean | null;
    score: number;
    answering: boolean;
  }[];
  decision: {
    do: string;
    on: number;
    text: string;
    prompt: string;
    caption: string;
    alt: string;
    tags: string[];
    family: string | null;
  } | null;
  facts: string[];
  memories: string[];
  verdicts: { check: string; ok: boolean; reason: string | null }[];
  fellBackFrom: { mind: string; reason: string } | null;
  corrected: boolean;
  injectionsSeen: number;
  erased: boolean;
};

type Loose = Readonly<Record<string, unknown>>;
const loose = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): string[] => list(value).filter((one) => typeof one === 'string');

/** Reads it with care: rows are kept for longer than one version of the server. */
export function readBody(body: Readonly<Record<string, unknown>>): DecisionBody {
  const persona = loose(body['persona']);
  const decided = body['decision'] === null || body['decision'] === undefined ? null : loose(body['decision']);
  const fellBack = body['fellBackFrom'] === undefined ? null : loose(body['fellBackFrom']);
  return {
    thinkNo: typeof body['thinkNo'] === 'number' ? body['thinkNo'] : null,
    persona: typeof persona['id'] === 'string' ? { id: persona['id'], version: number(persona['version']) } : null,
    by: textOrNull(body['by']),
    odds: Object.entries(loose(body['odds'])).map(([kind, weight]) => [kind, number(weight)]),
    barred: Object.entries(loose(body['barred'])).map(([kind, reason]) => [kind, text(reason)]),
    candidates: list(body['candidates']).map((one) => {
      const row = loose(one);
      return {
        itemId: text(row['itemId']),
        title: text(row['title']),
        author: textOrNull(row['author']),
        isAgent: typeof row['authorIsAgent'] === 'boolean' ? row['authorIsAgent'] : null,
        score: number(row['score']),
        answering: typeof row['commentId'] === 'string',
      };
    }),
    decision: decided && {
      do: text(decided['do']),
      on: typeof decided['on'] === 'number' ? decided['on'] : -1,
      text: text(decided['text']),
      prompt: text(decided['prompt']),
      caption: text(decided['caption']),
      alt: text(decided['alt']),
      tags: texts(decided['tags']),
      family: textOrNull(decided['family']),
    },
    facts: texts(body['facts']),
    memories: texts(loose(body['situation'])['memories']),
    verdicts: list(body['verdicts']).map((one) => {
      const row = loose(one);
      return { check: text(row['check']), ok: row['ok'] === true, reason: textOrNull(row['reason']) };
    }),
    fellBackFrom: fellBack && { mind: text(fellBack['mind']), reason: text(fellBack['reason']) },
    corrected: body['corrected'] === true,
    injectionsSeen: number(body['injectionsSeen']),
    erased: body['erased'] === true,
  };
}
