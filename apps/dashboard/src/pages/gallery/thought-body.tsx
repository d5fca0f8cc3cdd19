import type { GalleryDecision } from '@muster/protocol';
import { actKinds } from '@muster/protocol/gallery';
import { type ReactNode, useMemo } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { Duration } from '../../parts/duration.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { count } from '../../parts/format.ts';
import { Money } from '../../parts/money.tsx';
import { Link } from '../../parts/nav.tsx';
import { Section } from '../../parts/panel.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { type DecisionBody, readBody } from './decision-body.ts';
import { MixBar } from './mix-bar.tsx';
import { ItemPicture } from './picture.tsx';
import { postHref } from './sandbox-link.tsx';

const words = galleryWords.thought;

/** Everything recorded of one decision: what it could do, what it chose and why, what it cost, what was checked. */
export function ThoughtBody({ decision, inSandbox }: { decision: GalleryDecision; inSandbox: boolean }): ReactNode {
  const body = useMemo(() => readBody(decision.body), [decision.body]);
  return (
    <div className="stack">
      <Facts columns={2} items={factsOf(decision, body)} />
      {body.fellBackFrom ? (
        <Sign tone="warn">{words.fellBack(body.fellBackFrom.mind, body.fellBackFrom.reason)}</Sign>
      ) : null}
      {body.corrected ? <Sign tone="warn">{words.corrected}</Sign> : null}
      {body.injectionsSeen > 0 ? <Sign tone="warn">{words.injections(body.injectionsSeen)}</Sign> : null}
      {body.erased ? <p className="m-0 text-soft">{words.erased}</p> : <Recorded body={body} inSandbox={inSandbox} />}
    </div>
  );
}

function factsOf(decision: GalleryDecision, { by, persona, thinkNo }: DecisionBody): Fact[] {
  const { at, result, reason, mind, tokensIn, tokensOut, costMicros, latencyMs } = decision;
  return [
    { label: words.at, value: <Time at={at} show="exact" /> },
    {
      label: words.result,
      value: `${words.results[result] ?? result}${reason === null ? '' : ` (${galleryWords.reasonOf(reason)})`}`,
    },
    { label: words.mind, value: <Text value={mind} max={80} /> },
    { label: words.decidedBy, value: by === null ? galleryWords.none : (words.by[by] ?? by) },
    { label: words.tokens, value: <span className="num">{`${count(tokensIn)} / ${count(tokensOut)}`}</span> },
    { label: words.cost, value: <Money micros={costMicros} /> },
    { label: words.latency, value: <Duration ms={latencyMs} /> },
    { label: words.no, value: <span className="num">{thinkNo === null ? galleryWords.none : count(thinkNo)}</span> },
    ...(persona === null
      ? []
      : [
          {
            label: words.persona,
            value: <Link to={`/gallery/personas/${persona.id}`}>{words.version(persona.id, persona.version)}</Link>,
          },
        ]),
  ];
}

function Recorded({ body, inSandbox }: { body: DecisionBody; inSandbox: boolean }): ReactNode {
  return (
    <>
      <Answer body={body} />
      <Options body={body} inSandbox={inSandbox} />
      {body.odds.length > 0 ? (
        <Section title={words.odds}>
          <MixBar
            label={words.odds}
            mix={Object.fromEntries(body.odds.filter(([kind]) => actKinds.some((one) => one === kind)))}
          />
          {body.barred.length > 0 ? (
            <p className="m-0 flex flex-wrap gap-2 text-sm text-soft">
              {words.barred}
              {body.barred.map(([kind, reason]) => (
                <Badge key={kind}>{`${kind}: ${galleryWords.reasonOf(reason)}`}</Badge>
              ))}
            </p>
          ) : null}
        </Section>
      ) : null}
      <Lines title={words.memories} lines={body.memories} />
      <Lines title={words.facts} lines={body.facts} />
      {body.verdicts.length > 0 ? (
        <Section title={words.verdicts}>
          <ul className="m-0 flex list-none flex-wrap gap-x-4 gap-y-1 p-0">
            {body.verdicts.map(({ check, ok, reason }, at) => (
              <li key={at}>
                <Sign tone={ok ? 'done' : 'failed'}>
                  {`${galleryWords.reasonOf(check)}: ${ok ? words.verdictOk : galleryWords.reasonOf(reason ?? '')}`}
                </Sign>
              </li>
            ))}
          </ul>
        </Section>
      ) : null}
    </>
  );
}

function Answer({ body: { decision } }: { body: DecisionBody }): ReactNode {
  if (!decision) return null;
  const { text, caption, prompt, alt, tags } = decision;
  const items: Fact[] = [
    [words.text, text],
    [words.caption, caption],
    [words.prompt, prompt],
    [words.alt, alt],
    [words.tags, tags.join(', ')],
  ].flatMap(([label, value]) =>
    label === undefined || value === undefined || value === ''
      ? []
      : [{ label, value: <Text value={value} max={600} lines />, wide: true }],
  );
  return items.length === 0 ? null : (
    <Section title={words.answer}>
      <Facts columns={1} items={items} />
    </Section>
  );
}

function Options({ body, inSandbox }: { body: DecisionBody; inSandbox: boolean }): ReactNode {
  const { candidates, decision } = body;
  return (
    <Section title={words.options}>
      {candidates.length === 0 ? <p className="m-0 text-soft">{words.optionsNone}</p> : null}
      <ol className="m-0 flex list-none flex-col gap-1 p-0">
        {candidates.map(({ itemId, title, author, score, answering }, at) => (
          <li
            key={`${itemId} ${at}`}
            className={`flex items-center gap-3 rounded-sm px-2 py-1 ${decision?.on === at ? 'bg-accent/10' : ''}`}
          >
            {inSandbox ? <ItemPicture itemId={itemId} alt={title} className="size-8 shrink-0" /> : null}
            <span className="min-w-0 grow">
              {inSandbox ? (
                <a href={postHref(itemId)} target="_blank" rel="noopener">
                  <Text value={title} max={100} />
                </a>
              ) : (
                <Text value={title} max={100} />
              )}{' '}
              <span className="text-sm text-soft">
                <Text value={author === null ? galleryWords.none : `@${author}`} max={40} />
              </span>
            </span>
            {answering ? <Badge>{words.answering}</Badge> : null}
            {decision?.on === at ? <Badge tone="live">{words.chosen}</Badge> : null}
            <span className="num text-sm text-soft">{score.toFixed(2)}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }): ReactNode {
  if (lines.length === 0) return null;
  return (
    <Section title={title}>
      <ul className="m-0 list-none p-0">
        {lines.map((line, at) => (
          <li key={at}>
            <Text value={line} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
