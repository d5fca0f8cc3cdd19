import { z } from 'zod';

/** `vision`, `text` and the like are known to other galleries and not to us. */
const foreignKinds = ['vision', 'text', 'fan-out', 'fanout', 'collect', 'router'];
export const stepsMax = 20;

/** Drawn by the sandbox in place of a model's picture, and marked `simulated`. */
export const modelGenerators = [
  'openai',
  'openai-images',
  'google',
  'google-imagen',
  'gemini',
  'stability',
  'replicate',
  'bfl',
  'flux',
  'ollama',
  'xai',
];
export const ownGenerators = ['scene', 'shapes', 'qr'];

const name = z.string().min(1).max(64);
const params = z.record(z.string().max(64), z.unknown()).default({});
const stepSchemas = {
  generate: z.object({ kind: z.literal('generate'), generator: name, params, out: name }),
  transform: z.object({
    kind: z.literal('transform'),
    op: name,
    in: name,
    params,
    out: name,
    provider: name.optional(),
  }),
  save: z.object({
    kind: z.literal('save'),
    in: name,
    destination: z.string().max(500).default(''),
    provider: name.optional(),
    out: name.optional(),
  }),
};
export type GenerateStep = z.infer<typeof stepSchemas.generate>;
type TransformStep = z.infer<typeof stepSchemas.transform>;
type SaveStep = z.infer<typeof stepSchemas.save>;
type Step = GenerateStep | TransformStep | SaveStep;

export type PipelineFault = {
  status: 'error';
  error: string;
  errorCode: string;
  errorCategory:
    | 'user_input'
    | 'provider_error'
    | 'provider_config'
    | 'validation'
    | 'execution'
    | 'network'
    | 'internal';
  retryable: boolean;
};
/** Steps stand in an order in which they can run. */
export type Pipeline = { status: 'ready'; name: string | undefined; steps: readonly Step[] };

export const refused = (
  errorCode: string,
  error: string,
  errorCategory: PipelineFault['errorCategory'] = 'validation',
): PipelineFault => ({
  status: 'error',
  error,
  errorCode,
  errorCategory,
  retryable: false,
});

/**
 * Reads a pipeline as other programs send it: known kinds, each `in` the `out` of some step, each `out` once, at most 20
 * steps, no ring. Answers the steps in an order in which they can run, or what is wrong; never throws.
 */
export function parsePipeline(json: unknown): Pipeline | PipelineFault {
  const shape = z.object({ name: z.string().max(200).nullish(), steps: z.array(z.unknown()) }).safeParse(json);
  if (!shape.success) return refused('invalid_pipeline', 'A pipeline is an object with a list of steps.');
  const { steps: raw } = shape.data;
  if (raw.length === 0) return refused('invalid_pipeline', 'The pipeline has no steps.');
  if (raw.length > stepsMax)
    return refused('too_many_steps', `A pipeline may have ${stepsMax} steps; this one has ${raw.length}.`);
  const steps: Step[] = [];
  for (const [i, item] of raw.entries()) {
    const kind = z.object({ kind: z.string().max(64) }).safeParse(item).data?.kind;
    if (kind !== undefined && foreignKinds.includes(kind))
      return refused('unsupported_step', `Step ${i + 1}: ${kind} is not done here.`);
    if (kind === undefined || !Object.hasOwn(stepSchemas, kind))
      return refused('unknown_kind', `Step ${i + 1} is neither generate nor transform nor save.`);
    const parsed = stepSchemas[kind as keyof typeof stepSchemas].safeParse(item);
    if (!parsed.success)
      return refused(
        'invalid_step',
        `Step ${i + 1}, ${parsed.error.issues[0]?.path.join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? 'not as expected'}.`,
      );
    steps.push(parsed.data);
  }
  const outs = new Set<string>();
  for (const [i, { out }] of steps.entries()) {
    if (out === undefined) continue;
    if (outs.has(out)) return refused('duplicate_out', `Step ${i + 1}: ${out} is made twice.`);
    outs.add(out);
  }
  for (const [i, step] of steps.entries())
    if (step.kind !== 'generate' && !outs.has(step.in))
      return refused('undefined_input', `Step ${i + 1}: nothing makes ${step.in}.`);
  const ordered = inOrder(steps);
  if (!ordered) return refused('cycle', 'Some steps wait for each other in a ring.');
  return { status: 'ready', name: shape.data.name ?? undefined, steps: ordered };
}

/** Each step after the one that makes its `in`; else as written. */
function inOrder(steps: readonly Step[]): Step[] | undefined {
  const made = new Set<string>();
  const left = [...steps];
  const ordered: Step[] = [];
  while (left.length > 0) {
    const at = left.findIndex((step) => step.kind === 'generate' || made.has(step.in));
    if (at === -1) return undefined;
    const [step] = left.splice(at, 1);
    if (!step) return undefined;
    ordered.push(step);
    if (step.out !== undefined) made.add(step.out);
  }
  return ordered;
}
