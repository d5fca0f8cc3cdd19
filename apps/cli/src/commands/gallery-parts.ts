import { readFile, writeFile } from 'node:fs/promises';
import type { GalleryBudget, Imported } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { type Command, InvalidArgumentError } from 'commander';
import { sure } from '../shell/ask.ts';
import type { Context } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { ago } from '../shell/output.ts';
import type { Wire } from './builds.ts';

type TargetOptions = { url: string; title?: string; token?: string; dialect?: 'showcase' | 'gallery-v0' };
type Cap = GalleryBudget['lines'][number];

/** Personas, budgets, targets, and what is really in use. */
export function addGalleryParts(gallery: Command, wire: Wire): void {
  const persona = gallery.command('persona').alias('personas').description('the archetypes bots are drawn from');
  persona
    .command('list')
    .alias('ls')
    .description('personas, the built-in ones included')
    .addHelpText('after', '\nExample:\n  muster gallery persona list')
    .action(
      wire(async ({ client, output }) => {
        const { items } = await client.gallery.personas.list({ limit: 200 });
        output.list(
          items,
          [
            ['ID', (one) => output.bold(one.id)],
            ['BOTS', (one) => String(one.bots)],
            ['VERSION', (one) => (one.builtIn ? 'built in' : String(one.version))],
            ['TIER', (one) => one.tier],
            ['WHO', (one) => one.title],
          ],
          'No personas.',
        );
      }),
    );
  persona
    .command('export')
    .description('personas as a file that import takes')
    .argument('[ids...]', 'all unless said')
    .option('-o, --output <file>', 'where to; stdout unless said')
    .addHelpText('after', '\nExample:\n  muster gallery persona export harbor_log -o persona.json')
    .action(
      wire(async ({ client, output }, ids: string[], options: { output?: string }) => {
        const document = await client.gallery.personas.export(ids.length > 0 ? ids : undefined);
        const text = `${JSON.stringify(document, null, output.json ? 0 : 2)}\n`;
        if (options.output === undefined) return output.raw(text);
        await writeFile(options.output, text);
        output.note(`${document.personas.length} personas written to ${options.output}`);
      }),
    );
  persona
    .command('import')
    .description('take personas from a file; what is wrong with one refuses that one')
    .argument('<file>', '- reads stdin')
    .option('--dry-run', 'only say what would happen')
    .addHelpText('after', '\nExample:\n  muster gallery persona import persona.json')
    .action(
      wire(async (context, file: string, options: { dryRun?: boolean }) => {
        const document = await readDocument(file);
        tellImport(context, await context.client.gallery.personas.import(document, options.dryRun ?? false));
      }),
    );
  persona
    .command('clone')
    .description('a copy under another id: how a built-in persona is changed')
    .argument('<id>')
    .argument('<new id>')
    .addHelpText('after', '\nExample:\n  muster gallery persona clone harbor_log my_harbor')
    .action(
      wire(async ({ client, output }, id: string, copy: string) => {
        const made = await client.gallery.personas.clone(id, { id: copy });
        output.result(made, () => [`${made.id} made of ${id}`]);
      }),
    );

  const budget = gallery.command('budget').description('hard caps: fleet, target:<id>, persona:<id>, bot:<id>');
  budget
    .command('show', { isDefault: true })
    .description('caps, what is spent and what is reserved')
    .argument('[scope]', 'fleet, target:<id>, persona:<id> or bot:<id>', 'fleet')
    .addHelpText('after', '\nExample:\n  muster gallery budget show target:sandbox')
    .action(wire(async (context, scope: string) => tellBudget(context, await context.client.gallery.budget(scope))));
  budget
    .command('set')
    .description('set caps; below what is spent shuts at once')
    .argument('<scope>')
    .argument('<caps...>', 'posts=40, money/month=20000000 (micros), images=none')
    .addHelpText('after', '\nExample:\n  muster gallery budget set fleet posts=200 money=1000000')
    .action(
      wire(async (context, scope: string, caps: string[]) => {
        tellBudget(context, await context.client.gallery.putBudget(scope, caps.map(capOf)));
      }),
    );
  budget
    .command('forecast')
    .description('when each cap will be hit, soonest first')
    .addHelpText('after', '\nExample:\n  muster gallery budget forecast')
    .action(
      wire(async ({ client, output }) => {
        const { lines } = await client.gallery.forecast();
        output.list(
          lines,
          [
            ['SCOPE', (line) => output.bold(line.scope)],
            ['METER', (line) => `${line.meter}/${line.period}`],
            ['SPENT', (line) => String(line.spent)],
            ['CAP', (line) => capText(line.cap)],
            ['AN HOUR', (line) => String(line.perHour)],
            ['HIT AT', (line) => line.hitsAt ?? 'not before it ends'],
          ],
          'No caps.',
        );
      }),
    );

  addTargets(gallery, wire);
  gallery
    .command('doctor')
    .description('which mind and which target are really in use, and why')
    .addHelpText('after', '\nExample:\n  muster gallery doctor')
    .action(wire(doctor));
}

function addTargets(gallery: Command, wire: Wire): void {
  const target = gallery.command('target').alias('targets').description('the galleries bots act on');
  target
    .command('list')
    .alias('ls')
    .description('targets with their gates')
    .addHelpText('after', '\nExample:\n  muster gallery target list')
    .action(
      wire(async ({ client, output }) => {
        const { items } = await client.gallery.targets.list();
        output.list(
          items,
          [
            ['ID', (one) => output.bold(one.id)],
            ['KIND', (one) => one.kind],
            ['URL', (one) => one.baseUrl],
            ['TOKEN', (one) => (one.kind === 'sandbox' ? '–' : one.tokenSet ? 'set' : 'none')],
            ['ACKNOWLEDGED', (one) => (one.kind === 'sandbox' ? '–' : (one.acknowledgement?.by ?? 'no'))],
            ['GATE', (one) => `${one.gate.state}${one.gate.reason === null ? '' : ` (${one.gate.reason})`}`],
            ['SHARE', (one) => String(one.share)],
          ],
          'No targets.',
        );
      }),
    );
  target
    .command('add')
    .description('name a gallery; bots act there only after ack')
    .argument('<id>', 'a short name for it')
    .requiredOption('--url <url>', 'where it is')
    .option('--title <title>')
    .option('--token <token>', 'its service token; - reads it from stdin')
    .option('--dialect <dialect>', 'showcase or gallery-v0')
    .addHelpText(
      'after',
      '\nExample:\n  muster gallery target add studio --url https://gallery.example.com --token fst_…',
    )
    .action(
      wire(async ({ client, output }, id: string, options: TargetOptions) => {
        const { url, title = id, token, dialect } = options;
        const made = await client.gallery.targets.create({
          id,
          title,
          baseUrl: url,
          ...(token === undefined ? {} : { token: token === '-' ? (await readAll()).trim() : token }),
          ...(dialect === undefined ? {} : { dialect }),
        });
        output.result(made, () => [`${made.id} is named. Look at it: muster gallery target check ${made.id}`]);
      }),
    );
  target
    .command('check')
    .description('look at a gallery without changing anything')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster gallery target check studio')
    .action(
      wire(async ({ client, output }, id: string) => {
        const check = await client.gallery.targets.check(id);
        output.result(check, () =>
          check.findings.map(
            ({ what, ok, detail, remedy }) =>
              `${ok ? 'ok ' : output.warn('no ')} ${what}: ${detail}${remedy === undefined ? '' : ` ${remedy}`}`,
          ),
        );
        if (!check.ok) throw new Ended(exitCodes.runFailed, 'The target is not ready.');
      }),
    );
  target
    .command('ack')
    .description('answer for bots on a gallery: type its host, and accept three statements')
    .argument('<id>')
    .option('--host <host>', 'the host of its address, typed out')
    .addHelpText('after', '\nExample:\n  muster gallery target ack studio --host gallery.example.com --yes')
    .action(wire(acknowledge));
  target
    .command('hold')
    .description('shut the gate of a gallery: no bot acts there')
    .argument('<id>')
    .argument('[reason]', 'shown on the bots that wait', 'held from the command line')
    .addHelpText('after', '\nExample:\n  muster gallery target hold studio "maintenance"')
    .action(
      wire(async ({ client, output }, id: string, reason: string) => {
        const held = await client.gallery.targets.hold(id, reason);
        output.result(held, () => [`${id} is held: ${reason}`]);
      }),
    );
  target
    .command('open')
    .description('open the gate of a gallery')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster gallery target open studio')
    .action(
      wire(async ({ client, output }, id: string) => {
        const opened = await client.gallery.targets.open(id);
        output.result(opened, () => [`${id} is open`]);
      }),
    );
}

const statements = [
  'I operate this gallery, or hold its operator’s consent.',
  'Its users can see which accounts are automated.',
  'Its numbers keep bots apart from people.',
];

async function acknowledge(context: Context, id: string, options: { host?: string }): Promise<void> {
  const { client, output } = context;
  const { baseUrl } = await client.gallery.targets.get(id);
  for (const statement of statements) output.note(`· ${statement}`);
  await sure(context, `Do all three hold for ${baseUrl}?`);
  if (options.host === undefined) {
    throw new MusterError('invalid', {
      reason: 'host_missing',
      detail: `Type the host of ${id} out: --host <host>. It must be the one of its address.`,
    });
  }
  const target = await client.gallery.targets.acknowledge(id, options.host);
  output.result(target, () => [`${id} is acknowledged by ${target.acknowledgement?.by ?? 'you'}; bots may act there.`]);
}

async function doctor(context: Context): Promise<void> {
  const { client, output } = context;
  const [fleet, { items: minds }, { items: targets }] = await Promise.all([
    client.gallery.fleet(),
    client.gallery.minds(),
    client.gallery.targets.list(),
  ]);
  const mind = minds.find((one) => one.name === fleet.mind.name);
  const problems: string[] = [];
  const bad = (text: string): string => {
    problems.push(text);
    return output.warn(text);
  };
  const lines = [
    typeof mind?.degraded === 'string'
      ? bad(`mind ${fleet.mind.name}: degraded (${mind.degraded})`)
      : `mind ${fleet.mind.name}: ${mind?.kind === 'paid' ? `${mind.provider} ${mind.model}` : 'built in, offline, costs nothing'}${mind?.isDefault === true ? ' (by the settings)' : ' (set for the fleet)'}`,
    ...minds
      .filter((one) => one.lastError !== null)
      .map((one) =>
        bad(`mind ${one.name}: last error ${ago(one.lastError?.at ?? null)}: ${one.lastError?.detail ?? ''}`),
      ),
    ...targets.map(({ id, kind, baseUrl, tokenSet, acknowledgement, gate }) => {
      if (kind !== 'sandbox' && acknowledgement === null)
        return bad(
          `target ${id} (${baseUrl}): not acknowledged, bots do not act there. muster gallery target ack ${id}`,
        );
      if (kind !== 'sandbox' && !tokenSet) return bad(`target ${id}: no token`);
      if (gate.state !== 'open') return bad(`target ${id}: gate ${gate.state}, ${gate.reason ?? 'no reason given'}`);
      return `target ${id} (${kind === 'sandbox' ? 'built in here' : baseUrl}): in use`;
    }),
    fleet.gate.state === 'open'
      ? 'gate of the fleet: open'
      : bad(`gate of the fleet: ${fleet.gate.state} (${fleet.gate.reason ?? ''})`),
    `bots: ${fleet.bots}, of which ${fleet.states.running} run; lag ${Math.round(fleet.runtime.lagMs)} ms`,
    ...Object.entries(fleet.waiting).map(([reason, count]) => `  ${count} wait: ${reason}`),
  ];
  output.result({ fleet, minds, targets, problems }, () => lines);
  if (problems.length > 0) throw new Ended(exitCodes.runFailed, '');
}

function capOf(text: string): { meter: Cap['meter']; period: Cap['period']; cap: number | null } {
  const [, meter, period = 'day', amount] =
    /^(acts|posts|comments|likes|money|tokensIn|tokensOut|images)(?:\/(day|month))?=(\d+|none)$/.exec(text) ?? [];
  if (meter === undefined || amount === undefined)
    throw new InvalidArgumentError(`${text}: expected <meter>[/month]=<amount|none>, such as posts=40`);
  return {
    meter: meter as Cap['meter'],
    period: period as Cap['period'],
    cap: amount === 'none' ? null : Number(amount),
  };
}

const capText = (cap: number | null): string => (cap === null ? 'none' : String(cap));

function tellBudget({ output }: Context, budget: GalleryBudget): void {
  if (output.json) return output.result(budget, () => []);
  output.list(
    budget.lines,
    [
      ['METER', (line) => `${output.bold(line.meter)}/${line.period}`],
      ['SPENT', (line) => String(line.spent)],
      ['RESERVED', (line) => String(line.reserved)],
      ['CAP', (line) => capText(line.cap)],
      ['RESETS', (line) => line.resetsAt],
    ],
    `No caps on ${budget.scope}.`,
  );
}

function tellImport({ output }: Context, imported: Imported): void {
  output.result(imported, () => [
    `${imported.dryRun ? 'Would be: ' : ''}${imported.created} created, ${imported.updated} updated, ${imported.unchanged} unchanged, ${imported.refused} refused`,
    ...imported.rows
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ row, id, reason, detail }) => `  row ${row}${id === null ? '' : ` (${id})`}: ${reason}: ${detail ?? ''}`),
  ]);
  if (imported.refused > 0) throw new Ended(exitCodes.runFailed, 'Some personas were refused.');
}

async function readDocument(file: string): Promise<unknown> {
  const text = file === '-' ? await readAll() : await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new MusterError('invalid', {
      reason: 'json_invalid',
      detail: `${file === '-' ? 'stdin' : file} is not JSON.`,
    });
  }
}

async function readAll(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
