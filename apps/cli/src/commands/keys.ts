import { everyItem } from '@muster/client';
import type { ListedKey } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { type Scope, scopes } from '@muster/protocol/scopes';
import type { Command } from 'commander';
import { sure } from '../shell/ask.ts';
import { ago } from '../shell/output.ts';
import { span } from '../shell/words.ts';
import type { Wire } from './builds.ts';

export function addKeys(program: Command, wire: Wire): void {
  const keys = program.command('keys').description('API keys of this project');

  keys
    .command('list')
    .alias('ls')
    .description('every key, without its secret')
    .addHelpText('after', '\nExample:\n  muster keys list --json')
    .action(
      wire(async (context) => {
        const items = await everyItem((page) => context.client.keys.list(page));
        context.output.list<ListedKey>(
          items,
          [
            ['ID', (key) => key.id],
            ['NAME', (key) => key.name],
            ['SCOPES', (key) => key.scopes.join(' ')],
            ['USED', (key) => ago(key.lastUsedAt)],
            [
              '',
              (key) =>
                key.revokedAt
                  ? 'revoked'
                  : key.fromEnvironment
                    ? 'from environment'
                    : key.expiresAt
                      ? `until ${key.expiresAt}`
                      : '',
            ],
          ],
          'No keys.',
        );
      }),
    );

  keys
    .command('create')
    .description('make a key; its secret is shown this once')
    .argument('<name>')
    .requiredOption('--scope <scope...>', 'such as builds:operate')
    .option('--expires <time>', 'after this long, such as 180d', span)
    .addHelpText('after', '\nExample:\n  muster keys create ci --scope builds:operate --expires 180d')
    .action(
      wire(async (context, name: string, options: { scope: string[]; expires?: number }) => {
        const made = await context.client.keys.create({
          name,
          scopes: options.scope.map(toScope),
          ...(options.expires ? { expiresAt: new Date(Date.now() + options.expires).toISOString() } : {}),
        });
        context.output.result(made, () => [`${made.id} ${made.name}. Its secret is shown this once:`, made.secret]);
      }),
    );

  keys
    .command('rotate')
    .description('a new secret under the same id; the old one stays good for a while')
    .argument('<id>')
    .option('--overlap <time>', 'how long the old secret stays good, at most 7d', span, 86_400_000)
    .addHelpText('after', '\nExample:\n  muster keys rotate key_… --overlap 1h')
    .action(
      wire(async (context, id: string, options: { overlap: number }) => {
        const made = await context.client.keys.rotate(id, options.overlap);
        context.output.result(made, () => [`${made.id} rotated. Its new secret is shown this once:`, made.secret]);
      }),
    );

  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster keys revoke key_… --yes')
    .action(
      wire(async (context, id: string) => {
        await sure(context, `Revoke key ${id}? Whoever uses it is cut off at once.`);
        const key = await context.client.keys.revoke(id);
        context.output.result(key, () => [`${key.id} revoked`]);
      }),
    );
}

function toScope(text: string): Scope {
  const found = scopes.find((scope) => scope === text);
  if (found) return found;
  throw new MusterError('invalid', {
    reason: 'unknown_scope',
    detail: `There is no scope ${text}; there are ${scopes.join(', ')}.`,
  });
}
