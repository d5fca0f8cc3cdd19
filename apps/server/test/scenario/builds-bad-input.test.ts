import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer, sourceZip } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { boundary, formBody, formType, RawRequest } from '#test/raw-http';
import { tinyZip } from '#test/tiny-zip';
import { until } from '#test/until';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, { sourceBytesMax: 2 ** 20 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const countRows = async (): Promise<number> =>
  (await server.db.query<{ n: number }>(sql`select count(*)::int as n from builds`))[0]?.n ?? -1;
const stagedAndStored = async (): Promise<string[]> => (await server.blobs.list('builds/')).map((entry) => entry.key);
/** Whatever was refused left neither row nor file. */
async function leavesNothing(act: () => Promise<void>): Promise<void> {
  const [rows, files] = [await countRows(), await stagedAndStored()];
  await act();
  expect(await countRows()).toBe(rows);
  expect(await stagedAndStored()).toEqual(files);
  expect(await server.blobs.sweepStaging(-1)).toMatchObject({ removed: 0 });
}
const auth = (): Record<string, string> => ({ authorization: `Bearer ${server.key}` });

describe('bad input (§6)', () => {
  test('row 1: no credential is 401, and nothing of the body is read', async () => {
    await leavesNothing(async () => {
      using raw = new RawRequest(server.url);
      await raw.head('POST', '/v1/builds', {
        'content-type': formType,
        'content-length': 900_000,
        expect: '100-continue',
      });
      const answer = await raw.answer();
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('no_credential');
    });
  });

  test('row 2: a wrong and a revoked key are 401 on /v1 (settled.md)', async () => {
    expect(await server.submit({ token: 'mst_00000000_nonsense' })).toMatchObject({ status: 401 });
    expect(await server.submit({ token: 'x'.repeat(43) })).toMatchObject({ status: 401 });
  });

  test('row 3: a scope that is too small is 403 and named', async () => {
    const token = await server.keyWith(['builds:read']);
    expect(await server.submit({ token })).toMatchObject({ status: 403, body: { reason: 'missing_scope' } });
    expect((await server.submit({ token })).text).toContain('builds:operate');
  });

  test('row 4: the build of another project is not there', async () => {
    const build = await server.submitted();
    const token = await server.keyWith(['builds:admin'], await server.project());
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/source'],
      ['GET', '/certs'],
      ['POST', '/cancel'],
      ['POST', '/retry'],
      ['PATCH', ''],
    ] as const) {
      const answer = await server.call(method, `/v1/builds/${build.id}${path}`, {
        token,
        ...(method === 'GET' ? {} : { body: {} }),
      });
      expect([path, answer.status, answer.body['reason']]).toEqual([path, 404, 'no_such_build']);
    }
    expect((await server.call('POST', '/v1/builds', { token, body: { source: { fromBuild: build.id } } })).status).toBe(
      404,
    );
  });

  test('row 5: neither multipart nor JSON is 415', async () => {
    expect(
      await server.call('POST', '/v1/builds', { body: 'a=b', headers: { 'content-type': 'text/plain' } }),
    ).toMatchObject({ status: 415, body: { reason: 'wrong_content_type' } });
  });

  test('row 6: no source, or none in it', async () => {
    await leavesNothing(async () => {
      for (const body of [
        formBody([{ name: 'build', value: '{}' }]),
        formBody([{ name: 'source', fileName: 's', value: '' }]),
      ]) {
        expect(await server.call('POST', '/v1/builds', { body, headers: { 'content-type': formType } })).toMatchObject({
          status: 400,
          body: { reason: 'source_missing' },
        });
      }
      expect(await server.call('POST', '/v1/builds', { body: { queue: 'x' } })).toMatchObject({
        status: 400,
        body: { reason: 'source_missing' },
      });
    });
  });

  test('a source that is no archive is refused by its first bytes', async () => {
    await leavesNothing(async () => {
      expect(await server.submit({ source: Buffer.from('PK but not really') })).toMatchObject({
        status: 400,
        body: { reason: 'source_format' },
      });
    });
  });

  test('row 7: wrong fields are 400 with a pointer, an unknown one with the nearest name; the file is gone', async () => {
    await leavesNothing(async () => {
      const errors = async (build: object): Promise<unknown> => {
        const { status, body } = await server.submit({ build });
        expect(status).toBe(400);
        return body['errors'];
      };
      expect(await errors({ platform: 'windows' })).toMatchObject([{ pointer: '/platform' }]);
      expect(await errors({ priority: 101 })).toMatchObject([{ pointer: '/priority' }]);
      expect(await errors({ prioritee: 1 })).toMatchObject([
        { pointer: '/prioritee', detail: expect.stringContaining('priority') },
      ]);
      const after = formBody([
        { name: 'source', fileName: 's', value: sourceZip() },
        { name: 'build', value: '{"queue":"a b"}' },
      ]);
      expect(
        await server.call('POST', '/v1/builds', { body: after, headers: { 'content-type': formType } }),
      ).toMatchObject({ status: 400, body: { errors: [{ pointer: '/queue' }] } });
    });
  });

  test('row 8: a size over the limit is refused before the body is read', async () => {
    using raw = new RawRequest(server.url);
    await raw.head('POST', '/v1/builds', {
      ...auth(),
      'content-type': formType,
      'content-length': 600_000_000,
      expect: '100-continue',
    });
    expect(await raw.answer()).toMatchObject({ status: 413, text: expect.stringContaining('source_too_large') });
  });

  test('row 9: a file over the limit that did not say so is refused at that byte, and the connection closes', async () => {
    await leavesNothing(async () => {
      using raw = new RawRequest(server.url);
      await raw.head('POST', '/v1/builds', { ...auth(), 'content-type': formType, 'transfer-encoding': 'chunked' });
      const start = formBody(
        [{ name: 'source', fileName: 's', value: Buffer.concat([sourceZip(), Buffer.alloc(2 ** 20)]) }],
        { open: true },
      );
      await raw.send(`${start.length.toString(16)}\r\n`);
      await raw.send(start);
      await raw.send('\r\n');
      expect(await raw.answer()).toMatchObject({ status: 413, text: expect.stringContaining('source_too_large') });
      await raw.closed();
    });
  });

  test('row 10: a multipart body that ends before its last boundary', async () => {
    await leavesNothing(async () => {
      const body = formBody([{ name: 'source', fileName: 's', value: sourceZip() }], { open: true });
      expect(await server.call('POST', '/v1/builds', { body, headers: { 'content-type': formType } })).toMatchObject({
        status: 400,
        body: { reason: 'multipart_truncated' },
      });
    });
  });

  test('row 11: a part twice, too many parts, a field too long, a part nobody knows', async () => {
    await leavesNothing(async () => {
      const source = { name: 'source', fileName: 's', value: sourceZip() };
      const post = (parts: Parameters<typeof formBody>[0]) =>
        server.call('POST', '/v1/builds', { body: formBody(parts), headers: { 'content-type': formType } });
      expect(await post([source, source])).toMatchObject({ status: 400, body: { reason: 'too_many_parts' } });
      expect(
        await post([source, { name: 'build', value: JSON.stringify({ name: 'x'.repeat(65 * 1024) }) }]),
      ).toMatchObject({ status: 400, body: { reason: 'field_too_long' } });
      expect(await post([source, { name: 'bild', value: '{}' }])).toMatchObject({
        status: 400,
        body: { reason: 'unknown_part' },
      });
      expect(await post([source, { name: 'profile', fileName: 'p', value: 'x' }])).toMatchObject({
        status: 400,
        body: { reason: 'unknown_part' },
      });
    });
  });

  test('row 12: an empty body where JSON is expected is {}', async () => {
    const build = await server.submitted();
    expect(
      await server.call('POST', `/v1/builds/${build.id}/cancel`, { headers: { 'content-type': 'application/json' } }),
    ).toMatchObject({ status: 200, body: { state: 'cancelled' } });
  });

  test.each([['../../x'], ['a\\..\\b'], ['x'.repeat(10_000)], ['nul%00.zip']])(
    'row 13: a file name is only a label (%#)',
    async (fileName) => {
      const body = formBody([{ name: 'source', fileName, value: sourceZip() }]);
      expect((await server.call('POST', '/v1/builds', { body, headers: { 'content-type': formType } })).status).toBe(
        201,
      );
      for (const key of await stagedAndStored())
        expect(key).toMatch(/^builds\/(source|certs|artifact)\/blb_[0-9a-z]{26}$/);
    },
  );

  test('row 14: a client that goes mid-upload leaves nothing', async () => {
    await leavesNothing(async () => {
      const raw = new RawRequest(server.url);
      const refused = await server.metric('muster_builds_upload_refused_total');
      await raw.head('POST', '/v1/builds', { ...auth(), 'content-type': formType, 'content-length': 900_000 });
      await raw.send(
        formBody([{ name: 'source', fileName: 's', value: Buffer.concat([sourceZip(), Buffer.alloc(300_000)]) }], {
          open: true,
        }),
      );
      raw.cut();
      await until(async () => (await server.metric('muster_builds_upload_refused_total')) > refused);
    });
  });

  test('row 16: a sender that stalls is given up', async () => {
    await leavesNothing(async () => {
      using raw = new RawRequest(server.url);
      await raw.head('POST', '/v1/builds', { ...auth(), 'content-type': formType, 'content-length': 900_000 });
      await raw.send(formBody([{ name: 'source', fileName: 's', value: sourceZip() }], { open: true }));
      expect(await raw.answer()).toMatchObject({ status: 400, text: expect.stringContaining('upload_stalled') });
    });
  });

  test('row 26: malformed JSON is 400, more than 1 MiB of it 413', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await server.call('POST', '/v1/builds', { body: '{"queue":', headers: json })).status).toBe(400);
    expect(
      (await server.call('POST', '/v1/builds', { body: `{"name":"${'x'.repeat(2 ** 20)}"}`, headers: json })).status,
    ).toBe(413);
    expect((await server.submit({ build: 'not an object' as never })).status).toBe(400);
    const broken = formBody([
      { name: 'build', value: '{' },
      { name: 'source', fileName: 's', value: sourceZip() },
    ]);
    expect(
      (await server.call('POST', '/v1/builds', { body: broken, headers: { 'content-type': formType } })).status,
    ).toBe(400);
  });

  test.each([
    'limit=abc',
    'limit=-1',
    'limit=201',
    'cursor=zzz',
    'cursor=YmxkX3g',
    'state=done',
    'platform=vax',
    'since=soon',
    'colour=red',
    'wait=1',
  ])('row 27: ?%s is 400', async (query) => {
    expect((await server.call('GET', `/v1/builds?${query}`)).status).toBe(400);
  });

  test('row 56: the clock of a worker may be wrong by a year: kept as what it said, used for nothing', async () => {
    const token = await server.keyWith(['builds:admin'], await server.project());
    const worker = await server.worker({}, token);
    const { id } = await server.submitted({ token });
    const attempt = await worker.claim();
    const lease = (await server.call('GET', `/v1/builds/${id}`, { token })).body['leaseUntil'];
    const at = '2001-01-01T00:00:00.000Z';
    expect(
      (
        await server.call('POST', `/v1/builds/${id}/log`, {
          token: attempt.token,
          body: { term: 1, offset: 0, lines: [{ text: 'late', at }] },
        })
      ).status,
    ).toBe(200);
    const records = (await server.call('GET', `/v1/builds/${id}/log?format=ndjson`, { token })).text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const late = records.find((record) => record.text === 'late');
    expect(late).toMatchObject({ clientAt: at });
    expect(Math.abs(Date.parse(late.at) - systemClock.now())).toBeLessThan(60_000);
    expect(Date.parse(lease)).toBeGreaterThan(systemClock.now());
  });

  test('an id that is none is 404', async () => {
    for (const id of ['x', 'bld_00000000000000000000000000', `bld_${'z'.repeat(26)}`, '..%2f..%2fetc']) {
      expect([id, (await server.call('GET', `/v1/builds/${id}`)).status]).toEqual([id, 404]);
    }
  });

  test('limits name what bounds a submit', async () => {
    const { body } = await server.call('GET', '/v1/limits');
    const names = (body['items'] as { name: string }[]).map((limit) => limit.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'builds.sourceBytes',
        'builds.queued',
        'builds.keyBacklog',
        'builds.storedBytes',
        'builds.submits',
      ]),
    );
  });

  test('a boundary inside the file is just bytes', async () => {
    const source = tinyZip([{ name: 'x', data: Buffer.from(`--${boundary}x\r\n`) }]);
    const built = await server.submitted({ source });
    expect(built.source.sizeBytes).toBe(source.length);
  });
});
