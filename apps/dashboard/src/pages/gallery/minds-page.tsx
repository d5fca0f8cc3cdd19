import type { GalleryMind } from '@muster/client';
import type { GalleryFleet } from '@muster/protocol';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { Field } from '../../parts/field.tsx';
import { compact, count, duration, money } from '../../parts/format.ts';
import { NumberInput } from '../../parts/input.tsx';
import { Money } from '../../parts/money.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { mindWords as words } from '../../words/gallery-running.ts';
import { useAct } from './act.ts';
import { GalleryArea } from './area.tsx';
import { fleetQuery, mindsQuery } from './data.ts';
import { Loaded } from './loaded.tsx';

/** Who writes for bots: what is in use, what it costs, whether it answers. */
export function MindsPage(): ReactNode {
  const client = useClient();
  const minds = useQuery(mindsQuery(client));
  const fleet = useQuery(fleetQuery(client));
  return (
    <GalleryArea current="minds" title={words.title} line={<span className="text-soft">{words.note}</span>}>
      <Loaded query={fleet}>{(data) => <InUse key={data.version} fleet={data} minds={minds.data ?? []} />}</Loaded>
      <Loaded query={minds}>
        {(all) => (
          <div className="grid items-start gap-4 lg:grid-cols-2">
            {all.map((mind) => (
              <Mind key={mind.name} mind={mind} />
            ))}
          </div>
        )}
      </Loaded>
    </GalleryArea>
  );
}

const seedMost = 0xff_ff_ff_ff;

function InUse({ fleet, minds }: { fleet: GalleryFleet; minds: readonly GalleryMind[] }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const { reason: noRight } = useMay('gallery:admin');
  const [mind, setMind] = useState(fleet.mind.name);
  const [fallback, setFallback] = useState(fleet.mind.fallback ?? '');
  const [seed, setSeed] = useState<number | null>(fleet.seed);
  const change = {
    ...(mind === fleet.mind.name ? {} : { mind }),
    ...(fallback === (fleet.mind.fallback ?? '') ? {} : { fallbackMind: fallback === '' ? null : fallback }),
    ...(seed === fleet.seed || seed === null ? {} : { seed }),
  };
  const save = useAct(
    () => client.gallery.changeFleet(change),
    (saved) => {
      queries.setQueryData(fleetQuery(client).queryKey, saved);
      toast({ title: words.saved, tone: 'done' });
    },
  );
  const names = minds.map(({ name }) => ({ value: name, label: name }));
  return (
    <Panel title={words.fleet}>
      <div className="grid items-start gap-4 sm:grid-cols-3">
        <Field label={words.mind}>
          <Select value={mind} onChange={setMind} options={names} />
        </Field>
        <Field label={words.fallback}>
          <Select
            value={fallback}
            onChange={setFallback}
            options={[{ value: '', label: words.asSettings }, ...names, { value: 'none', label: words.nothing }]}
          />
        </Field>
        <Field label={words.seed} hint={words.seedHint}>
          <NumberInput value={seed} onChange={setSeed} min={0} max={seedMost} />
        </Field>
        <div className="sm:col-span-3">
          <Button
            variant="primary"
            busy={save.isPending}
            disabledReason={noRight ?? (Object.keys(change).length === 0 ? words.unchanged : undefined)}
            onClick={() => save.mutate(undefined)}
          >
            {words.save}
          </Button>
        </div>
      </div>
    </Panel>
  );
}

const numberIn = (of: Readonly<Record<string, unknown>> | null, name: string): number | null => {
  const value = of?.[name];
  return typeof value === 'number' ? value : null;
};
const textIn = (of: Readonly<Record<string, unknown>> | null, name: string): string | null => {
  const value = of?.[name];
  return typeof value === 'string' ? value : null;
};

function Mind({ mind }: { mind: GalleryMind }): ReactNode {
  const client = useClient();
  const { reason: noRight } = useMay('gallery:operate');
  const test = useAct((name: string) => client.gallery.testMind(name));
  const { name, kind, isDefault, degraded } = mind;
  return (
    <Panel
      title={<Text value={name} max={80} />}
      note={
        <span className="row">
          {isDefault ? <Badge tone="live">{words.isDefault}</Badge> : null}
          <Badge>{kind === 'free' ? words.free : words.paid}</Badge>
          {degraded === null ? null : <Badge tone="warn">{galleryWords.badges.degraded(degraded)}</Badge>}
        </span>
      }
      actions={
        <Button
          size="s"
          busy={test.isPending}
          disabledReason={noRight}
          title={words.testHint}
          onClick={() => test.mutate(name)}
        >
          {words.test}
        </Button>
      }
    >
      <div className="stack">
        {test.data ? (
          <div data-tested={test.data.ok}>
            <Sign tone={test.data.ok ? 'done' : 'failed'}>{words.tested(test.data.ok)}</Sign>{' '}
            <span className="num text-sm text-soft">
              {words.testLine(duration(test.data.latencyMs), count(test.data.tokens.in), count(test.data.tokens.out))}
            </span>{' '}
            <Money micros={test.data.costMicros} /> <Text value={test.data.detail} max={300} className="block" />
          </div>
        ) : null}
        <Facts columns={2} items={factsOf(mind)} />
      </div>
    </Panel>
  );
}

function factsOf({ provider, model, price, lane, calls, lastError }: GalleryMind): Fact[] {
  const none = galleryWords.none;
  const breaker = lane?.['breaker'];
  const breakerState =
    typeof breaker === 'object' && breaker !== null ? textIn(breaker as Record<string, unknown>, 'state') : null;
  const input = numberIn(price, 'in');
  const output = numberIn(price, 'out');
  const asOf = textIn(price, 'asOf');
  return [
    {
      label: words.model,
      value: provider === null ? words.builtIn : <Text value={`${provider}: ${model ?? none}`} max={120} />,
    },
    { label: words.calls, value: <span className="num">{count(calls)}</span> },
    ...(provider === null
      ? []
      : [
          {
            label: words.price,
            value:
              price?.['known'] === false || input === null || output === null
                ? words.priceUnknown
                : `${words.priceText(money(input), money(output))}${asOf === null ? '' : `, ${words.priceOf(asOf)}`}`,
          },
        ]),
    ...(lane === null
      ? []
      : [
          {
            label: words.flying,
            value: (
              <span className="num">{`${count(numberIn(lane, 'inFlight'))}, ${count(numberIn(lane, 'waiting'))}`}</span>
            ),
          },
          {
            label: words.perMinute,
            value: words.perMinuteText(
              count(numberIn(lane, 'requestsPerMinute')),
              compact(numberIn(lane, 'tokensPerMinute') ?? 0),
            ),
          },
          { label: words.breaker, value: breakerState ?? none },
          ...(numberIn(lane, 'blockedUntil') === null
            ? []
            : [{ label: words.blocked, value: <Time at={numberIn(lane, 'blockedUntil')} /> }]),
        ]),
    {
      label: words.lastError,
      value:
        lastError === null ? (
          words.noError
        ) : (
          <>
            <Text value={lastError.detail} max={300} /> <Time at={lastError.at} />
          </>
        ),
      wide: true,
    },
  ];
}
