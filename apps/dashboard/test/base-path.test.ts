/* The same build below a path, behind a proxy that leaves the path as it is; and what happens when another build is served. */
import { cp, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PeopleServer, startPeople } from '../../server/test/support/people.ts';
import { closeBrowser, noBrowser, visit } from './support/browser.ts';
import { ready, setUpBy } from './support/walk-in.ts';

const built = join(import.meta.dirname, '../dist');

describe.skipIf(noBrowser)('below a path', () => {
  let server: PeopleServer;
  let folder: string;
  let base: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-dist-'));
    await cp(built, folder, { recursive: true });
    server = await startPeople({ env: { MUSTER_BASE_PATH: '/ops/muster' }, options: { consoleFolder: folder } });
    base = server.url;
  });
  afterAll(async () => {
    await closeBrowser();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('everything stays below it: pages, calls, socket, cookies, links', async () => {
    expect(new URL(base).pathname).toBe('/ops/muster');
    const visitor = await visit(base);
    const { page } = visitor;
    const paths: string[] = [];
    page.on('request', (request) => paths.push(new URL(request.url()).pathname));
    page.on('websocket', (socket) => paths.push(new URL(socket.url()).pathname));
    await setUpBy(page, await server.setupLink());
    expect(new URL(page.url()).pathname).toBe('/ops/muster/');
    await page.getByRole('link', { name: 'All activity' }).click();
    await page.getByRole('heading', { level: 1, name: 'Activity' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/ops/muster/activity');
    await page.reload();
    await ready(page);
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    expect(paths).toContain('/ops/muster/v1/socket');
    expect(paths.filter((path) => !path.startsWith('/ops/muster/'))).toEqual([]);
    const cookies = await page.context().cookies();
    expect(cookies.filter(({ path }) => path !== '/ops/muster')).toEqual([]);
    expect(visitor).toMatchObject({ refused: [], thrown: [], elsewhere: [] });
  });

  test('another build is offered, and loads the page anew where it is', async () => {
    const { page } = await visit(base);
    await page.goto(`${base}/sign-in`);
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Password').fill('seven quiet herons at dawn');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await ready(page);
    await page.goto(`${base}/activity`);
    await ready(page);
    const file = join(folder, 'current.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as { build: string };
    await cp(join(folder, manifest.build), join(folder, 'cccccccccccc'), { recursive: true });
    await writeFile(file, JSON.stringify({ ...manifest, build: 'cccccccccccc' }));
    // A clock of a second would not see the change.
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    await fetch(`${base}/`);
    await page.evaluate(() => fetch('v1/me'));
    await page.getByRole('link', { name: 'Overview' }).first().click();
    await page.getByRole('button', { name: 'New version' }).click();
    await ready(page);
    expect(await page.locator('meta[name="muster-build"]').getAttribute('content')).toBe('cccccccccccc');
    expect(new URL(page.url()).pathname).toBe('/ops/muster/');
  });
});
