import type { GalleryBot, PreviewAnswer } from '@muster/protocol';
import { actKinds } from '@muster/protocol/gallery';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { count } from '../../parts/format.ts';
import { Input, NumberInput } from '../../parts/input.tsx';
import { Money } from '../../parts/money.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Sign } from '../../parts/state.tsx';
import { Switch } from '../../parts/switch.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { mindsQuery } from './data.ts';
import { MixBar } from './mix-bar.tsx';
import { DrawnPicture } from './picture.tsx';
import { postHref } from './sandbox-link.tsx';

const words = botsWords.bot.preview;
const askWords = botsWords.bot.ask;
const stepsMost = 10;

/** What it would do next, and what it says when asked: neither touches anything. */
export function BotPreview({ bot, inSandbox }: { bot: GalleryBot; inSandbox: boolean }): ReactNode {
  return (
    <>
      <Preview bot={bot} inSandbox={inSandbox} />
      <Ask bot={bot} />
    </>
  );
}

function Preview({ bot, inSandbox }: { bot: GalleryBot; inSandbox: boolean }): ReactNode {
  const client = useClient();
  const operate = useMay('gallery:operate');
  const { data: minds } = useQuery(mindsQuery(client));
  const [steps, setSteps] = useState<number | null>(3);
  const [mind, setMind] = useState('');
  const [spend, setSpend] = useState(false);
  const chosen = mind === '' ? bot.effective.mind : mind;
  const paid = minds?.find(({ name }) => name === chosen)?.kind === 'paid';
  const preview = useMutation({
    mutationFn: () =>
      client.gallery.bots.preview(bot.id, {
        steps: steps ?? 1,
        spend: paid && spend,
        // A paid mind is asked only when that was said; the offline one speaks in its place.
        ...(paid && !spend ? { mind: 'improv' } : mind === '' ? {} : { mind }),
      }),
  });
  const problem = problemOf(preview.error);
  return (
    <Panel title={words.title} note={words.note}>
      <div className="stack">
        <div className="flex flex-wrap items-end gap-4">
          <Field label={words.steps}>
            <NumberInput value={steps} onChange={setSteps} min={1} max={stepsMost} />
          </Field>
          <Field label={words.mind}>
            <Select
              value={mind}
              onChange={setMind}
              options={[
                { value: '', label: words.ownMind(bot.effective.mind) },
                ...(minds ?? []).map(({ name }) => ({ value: name, label: name })),
              ]}
            />
          </Field>
          {paid ? (
            <Switch
              checked={spend}
              onChange={setSpend}
              label={words.spend}
              hint={words.spendHint}
              disabledReason={operate.reason}
            />
          ) : null}
          <Button variant="primary" busy={preview.isPending} onClick={() => preview.mutate()}>
            {preview.data ? words.again : words.go}
          </Button>
        </div>
        {problem ? <ProblemPanel problem={problem} onRetry={() => preview.mutate()} /> : null}
        {preview.data ? (
          <ol className="m-0 flex list-none flex-col gap-4 p-0" data-preview={preview.data.steps.length}>
            {preview.data.steps.map((step, at) => (
              <Step key={`${step.at} ${at}`} step={step} no={at + 1} inSandbox={inSandbox} />
            ))}
            <li>
              <Sign tone="done">{words.touched}</Sign>
            </li>
          </ol>
        ) : null}
      </div>
    </Panel>
  );
}

function Step({
  step,
  no,
  inSandbox,
}: {
  step: PreviewAnswer['steps'][number];
  no: number;
  inSandbox: boolean;
}): ReactNode {
  const { at, candidates, odds, decision, svg, verdicts, tokens, costMicros } = step;
  const { do: what, on, why, text, caption, prompt } = decision;
  const item = on < 0 ? undefined : candidates[on];
  const kind = actKinds.find((each) => each === what);
  return (
    <li className="flex flex-col gap-3 rounded-md border border-hair p-4 sm:flex-row">
      {svg === null ? null : <DrawnPicture svg={svg} alt={caption} className="size-40 shrink-0" />}
      <div className="flex min-w-0 grow flex-col gap-2">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <span className="text-soft">{words.step(no)}</span>
          <span className="font-medium">
            {kind === undefined ? words.wouldNothing : words.wouldDo(galleryWords.acts[kind])}
          </span>
          <Time at={at} className="text-soft" />
          {tokens.in + tokens.out > 0 ? (
            <span className="num text-sm text-soft">{`${words.tokens} ${count(tokens.in)} / ${count(tokens.out)}`}</span>
          ) : null}
          <span className="text-sm text-soft">
            <Money micros={costMicros} />
          </span>
        </div>
        {why === '' ? null : <Text value={why} max={300} className="text-soft" />}
        {item === undefined ? null : (
          <span>
            {inSandbox ? (
              <a href={postHref(item.itemId)} target="_blank" rel="noopener">
                <Text value={item.title} max={120} />
              </a>
            ) : (
              <Text value={item.title} max={120} />
            )}{' '}
            <span className="text-soft">
              <Text value={`@${item.author}`} max={40} />
            </span>
          </span>
        )}
        {[text, caption]
          .filter((each) => each !== '')
          .map((each) => (
            <blockquote key={each} className="m-0 border-l-2 border-line pl-3">
              <Text value={each} max={600} lines />
            </blockquote>
          ))}
        {prompt === '' ? null : <Text value={prompt} max={400} className="text-sm text-soft" />}
        <MixBar label={galleryWords.thought.odds} mix={odds} />
        <div className="flex flex-wrap gap-2">
          {verdicts.map(({ check, ok, reason }, n) => (
            <Badge key={n} tone={ok ? 'done' : 'failed'}>
              {`${galleryWords.reasonOf(check)}: ${ok ? galleryWords.thought.verdictOk : galleryWords.reasonOf(reason ?? '')}`}
            </Badge>
          ))}
        </div>
      </div>
    </li>
  );
}

function Ask({ bot }: { bot: GalleryBot }): ReactNode {
  const client = useClient();
  const operate = useMay('gallery:operate');
  const [question, setQuestion] = useState('');
  const ask = useMutation({ mutationFn: () => client.gallery.bots.ask(bot.id, question.trim()) });
  const problem = problemOf(ask.error);
  return (
    <Panel title={askWords.title} note={askWords.note}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (question.trim() !== '' && operate.may) ask.mutate();
        }}
      >
        <div className="flex flex-wrap items-end gap-2">
          <div className="min-w-0 grow">
            <Field label={askWords.label}>
              <Input value={question} onChange={setQuestion} placeholder={askWords.placeholder} maxLength={500} />
            </Field>
          </div>
          <Button type="submit" busy={ask.isPending} disabledReason={operate.reason}>
            {askWords.go}
          </Button>
        </div>
        {problem ? <ProblemPanel problem={problem} /> : null}
        {ask.data ? (
          <blockquote className="m-0 border-l-2 border-line pl-3">
            <Text value={ask.data.answer} max={1_000} lines />
            <footer className="text-sm text-soft">
              <Text value={ask.data.mind} max={60} /> · <Money micros={ask.data.costMicros} />
            </footer>
          </blockquote>
        ) : null}
      </form>
    </Panel>
  );
}
