import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { silentLogger } from '#kernel/telemetry';
import { certificates } from '#test/certificates';
import { closeServer, followTls, listen, makeServer } from './listeners.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Files get a new time, also within one tick of the file system's clock. */
let age = 0;
function put({ cert, key }: { cert: string; key: string }) {
  const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  age += 1;
  for (const file of Object.values(files)) utimesSync(file, age, age);
  return files;
}

async function nameShown(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await new Promise((resolve) => void socket.once('secureConnect', resolve));
  const certificate: PeerCertificate = socket.getPeerCertificate();
  socket.destroy();
  return String(certificate.subject.CN);
}

test('a renewed certificate is taken up, a broken one is reported and the old one stays', async () => {
  const clock = new FakeClock();
  const complaints: string[] = [];
  const logger = { ...silentLogger, error: (_: object, text?: string) => void complaints.push(text ?? '') };
  const server = makeServer((_, response) => void response.end(), 16_384, put(certificates.first));
  const port = await listen(server, '127.0.0.1', 0);
  using _ = followTls(server, put(certificates.first), clock, logger, 1000);
  expect(await nameShown(port)).toBe('a.test');

  put(certificates.second);
  await clock.advance(1000);
  expect(await nameShown(port)).toBe('b.test');

  put({ cert: certificates.first.cert, key: certificates.second.key });
  await clock.advance(1000);
  expect(await nameShown(port)).toBe('b.test');
  expect(complaints).toEqual(['the renewed certificate does not work; the old one stays']);
  await closeServer(server);
});

test('a certificate that does not fit its key refuses to start', () => {
  const files = put({ cert: certificates.first.cert, key: certificates.second.key });
  expect(() => makeServer(() => undefined, 16_384, files)).toThrow(
    expect.objectContaining({ reason: 'tls_unusable', message: expect.stringContaining('key values mismatch') }),
  );
});

test('a taken port and an unknown address say what to change', async () => {
  const first = makeServer(() => undefined, 16_384, undefined);
  const port = await listen(first, '127.0.0.1', 0);
  expect(port).toBe((first.address() as AddressInfo).port);
  await expect(
    listen(
      makeServer(() => undefined, 16_384, undefined),
      '127.0.0.1',
      port,
    ),
  ).rejects.toMatchObject({ reason: 'port_taken', message: expect.stringContaining(String(port)) });
  await expect(
    listen(
      makeServer(() => undefined, 16_384, undefined),
      '203.0.113.1',
      0,
    ),
  ).rejects.toMatchObject({ reason: 'host_unknown' });
  await closeServer(first);
});
