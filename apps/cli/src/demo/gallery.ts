import type { Client } from '@muster/client';
import type { Output } from '../shell/output.ts';

/**
 * A fleet that has lived a day in the sandbox before anybody looks, and goes on living: without a key, a model or a network.
 * On a further start the same bots are there and go on by themselves.
 */
export async function populate(client: Client, url: string, output: Output, signal: AbortSignal): Promise<void> {
  const fleet = await client.gallery.fleet();
  if (fleet.bots > 0) {
    output.note(`${fleet.bots} bots live in the gallery: ${url}/sandbox`);
    return;
  }
  output.note(`60 bots begin to live in the gallery: ${url}/sandbox`);
  const task = await client.gallery.finished(await client.gallery.sim({ count: 60, hours: 24, seed: 1, start: true }), {
    signal,
  });
  output.note(
    task.state === 'failed'
      ? `The day of the bots was cut short: ${task.error ?? 'no reason was given'}`
      : `The bots have a day behind them and go on in real time: ${url}/sandbox`,
  );
}
