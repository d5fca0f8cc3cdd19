/* Another Muster's gallery as a target: reached over HTTP with a token, like any gallery of the contract. */
import { afterAll, expect, test } from 'vitest';
import { createRaster, drawScene } from '#gallery/images';
import { newId, systemClock } from '#kernel/base';
import { literalToken, sandboxServer } from '#test/sandbox-server';
import { publicationOf, targetClient } from '#test/target-client';

const server = await sandboxServer();
const raster = createRaster({ threads: 1, clock: systemClock });
afterAll(async () => {
  await raster[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const there = targetClient({
  baseUrl: `${server.url}/sandbox`,
  row: { capabilities: { idempotency: true, explicitUnlike: true, upload: true, execute: true } },
  credentials: { token: literalToken, legacySecret: null },
  pngOf: (svg) => raster.png(svg, 1_024),
});
const { signal } = new AbortController();

test('a drawing is uploaded as PNG and posted', async () => {
  const as = { botId: newId('galleryBot'), username: 'far_bot' };
  await there.provision({ ...as, name: 'Far', bio: 'automated account', personaId: null });
  const { svg } = drawScene({ family: 'landscape', seed: 7, prompt: 'fog over a slack tide' });
  const image = { ...publicationOf().image, mimeType: 'image/svg+xml', bytes: async () => Buffer.from(svg) } as const;
  const made = await there.publish(as, publicationOf({ image }), { key: newId('activity'), signal, may: () => true });
  expect(made.author?.username).toBe('far_bot');
  const [shown] = await there.feed('recent', { limit: 1 }, signal);
  expect(shown?.id).toBe(made.id);
  const picture = await fetch(shown?.imageUrl ?? '', { headers: { authorization: `Bearer ${literalToken}` } });
  const bytes = Buffer.from(await picture.arrayBuffer());
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  expect(bytes.readUInt32BE(16)).toBe(1_024);
});
