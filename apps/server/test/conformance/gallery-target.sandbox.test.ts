import { networkTransport } from '#gallery/targets';
import { defaultProjectId } from '#kernel/auth';
import { systemClock } from '#kernel/base';
import { createOutbound } from '#kernel/outbound';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { literalToken, type SandboxServer, sandboxServer } from '#test/sandbox-server';
import { hurriedClock, onePixel, targetClient } from '#test/target-client';
import { type GalleryTargetHarness, galleryTargetContract } from './gallery-target.ts';

const capabilities = { idempotency: true, explicitUnlike: true, upload: true, execute: true };

/** The gallery of our own, as its bots reach it, as others reach it, and as one that keeps no keys. */
const ways = [
  { name: 'sandbox in this process', inProcess: true, explicitUnlike: true },
  { name: 'sandbox over HTTP', inProcess: false, explicitUnlike: true },
  { name: 'sandbox over HTTP by toggles', inProcess: false, explicitUnlike: false },
] as const;

for (const { name, inProcess, explicitUnlike } of ways) {
  galleryTargetContract(name, async (): Promise<GalleryTargetHarness> => {
    const server = await sandboxServer();
    const clock = hurriedClock();
    const baseUrl = `${server.url}/sandbox`;
    const outbound = createOutbound({
      clock: systemClock,
      metrics: loneMetrics(silentLogger),
      allow: [],
      loopback: true,
    });
    const transport = inProcess
      ? server.sandbox.transport(defaultProjectId)
      : networkTransport({ outbound, baseUrl, trusted: false });
    const row = {
      kind: inProcess ? ('sandbox' as const) : ('floimg' as const),
      capabilities: { ...capabilities, explicitUnlike },
    };
    const credentials = { token: inProcess ? null : literalToken, legacySecret: null };
    return {
      target: targetClient({ baseUrl, transport, credentials, clock, row }),
      image: async () => ({
        blobId: 'blb_test',
        mimeType: 'image/png',
        bytes: () => Promise.resolve(onePixel),
        publicUrl: server.url + (await server.scene()),
      }),
      personPosts: (title) => personPosts(server, title),
      faults: (mishaps) =>
        server.sandbox.setFaults(
          defaultProjectId,
          mishaps.map(({ kind, method, path, times }) => ({
            match: { ...(method === undefined ? {} : { method }), ...(path === undefined ? {} : { path }) },
            kind,
            probability: 1,
            delayMs: 0,
            ...(times === undefined ? {} : { times }),
          })),
        ),
      close: async () => server[Symbol.asyncDispose](),
    };
  });
}

async function personPosts(server: SandboxServer, title: string): Promise<string> {
  const form = new FormData();
  form.set('token', await server.tokenOf('ada'));
  form.set('title', title);
  form.set('alt', 'One point.');
  form.set('image', new Blob([onePixel], { type: 'image/png' }), 'point.png');
  const hung = await fetch(`${server.url}/sandbox/new`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: 'test_person=ada', 'sec-fetch-site': 'same-origin' },
    body: form,
  });
  const id = /\/sandbox\/i\/([\w-]+)/.exec(hung.headers.get('location') ?? '')?.[1];
  if (id === undefined) throw new Error(`the picture was not hung: ${hung.status} ${await hung.text()}`);
  return id;
}
