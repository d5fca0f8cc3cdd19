/* The gallery in a browser: a fleet is drawn and lives, odds are edited, a cap stops a bot, a preview touches nothing, all is stopped. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Activity, GalleryBot, Page as ListPage } from '@muster/protocol';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lives } from '../../server/test/crash/support/lives.ts';
import { axe, closeBrowser, narrow, noBrowser, sideways, type Visitor, visit } from './support/browser.ts';
import { setUpBy, signIn } from './support/walk-in.ts';

describe.skipIf(noBrowser)('the gallery', () => {
  let folder: string;
  let lives: Lives;
  let key: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-gallery-'));
    lives = await Lives.in(folder);
    await lives.begin();
    key = await lives.key();
  });
  afterAll(async () => {
    await closeBrowser();
    await lives[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const read = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${lives.url}/v1/gallery/${path}`, { headers: { authorization: `Bearer ${key}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const send = async (method: string, path: string, body: object): Promise<void> => {
    const answer = await fetch(`${lives.url}/v1/gallery/${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  const bots = async (): Promise<GalleryBot[]> => (await read<ListPage<GalleryBot>>('bots?limit=50')).items;
  const feed = async (): Promise<Activity[]> => (await read<ListPage<Activity>>('activity?limit=100')).items;

  const walkIn = async (options: Parameters<typeof visit>[1] = {}): Promise<Visitor> => {
    const visitor = await visit(lives.url, options);
    await signIn(visitor.page, lives.url);
    return visitor;
  };
  const open = async (page: Page, path: string, heading: string | RegExp): Promise<void> => {
    await page.goto(`${lives.url}${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  };

  test('an empty gallery offers a fleet; six bots are drawn after a look at them, and run', async () => {
    const visitor = await visit(lives.url);
    const { page } = visitor;
    await setUpBy(page, (await readFile(join(folder, 'setup-url'), 'utf8')).trim());
    await open(page, '/gallery', 'Fleet');
    await page.getByText('No bots yet').waitFor();
    expect(await axe(page)).toEqual([]);

    await page.locator('main').getByRole('link', { name: 'Draw a fleet' }).first().click();
    await page.getByRole('spinbutton', { name: 'How many' }).fill('6');
    await page.getByLabel('moss_sprites').check();
    await page.locator('[data-would="6"]').waitFor();
    expect(await bots()).toEqual([]);
    await page.getByRole('button', { name: 'Draw 6 bots' }).click();
    await page.getByText('6 bots are drawn').waitFor();

    await page.getByRole('link', { name: 'See the bots' }).click();
    await page.getByRole('heading', { level: 1, name: 'Bots' }).waitFor();
    await expect.poll(() => page.locator('[data-state="running"]').count(), { timeout: 20_000 }).toBe(6);
    expect(visitor).toMatchObject({ refused: [], thrown: [], elsewhere: [] });
  });

  test('odds are edited: the mix follows, the next think is a post, its reason stands in the feed, its picture in the sandbox', async () => {
    const [bot] = await bots();
    const { page, thrown, refused } = await walkIn();
    await open(page, '/gallery/feed', 'Feed');
    const editor = await page.context().newPage();
    await open(editor, `/gallery/bots/${bot?.id}?tab=edit`, bot?.name ?? '');
    const odds = editor.locator('[data-trait="odds"]');
    await odds.getByLabel('Own').check();
    for (const kind of ['comment', 'reply', 'like', 'browse'])
      await odds.getByLabel(`Odds: ${kind}`, { exact: true }).last().fill('0');
    await expect.poll(() => odds.locator('[data-mix="post"]').textContent()).toBe('100 %');
    await editor.getByRole('button', { name: 'Save' }).click();
    await expect.poll(async () => (await read<GalleryBot>(`bots/${bot?.id}`)).effective.mix.post).toBe(100);
    await editor.getByRole('button', { name: 'Think now' }).click();

    // The other window was only looking.
    const row = page.locator('[data-type="post"]').first();
    await row.waitFor({ timeout: 20_000 });
    expect(await row.textContent()).toContain(bot?.name);
    await row.getByRole('button').click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('Options weighed').waitFor();
    await drawer.getByText('Act in the ledger').waitFor();
    expect(await drawer.textContent()).toMatch(/post at 100 %|time for a picture/);
    await page.keyboard.press('Escape');

    const post = (await feed()).find(({ type }) => type === 'post');
    expect(await row.getByRole('link', { name: 'Open post' }).last().getAttribute('href')).toBe(
      `/sandbox/i/${post?.data.itemId}`,
    );
    await expect
      .poll(() => row.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(0);
    await page.goto(`${lives.url}/sandbox`);
    await page.locator(`a[href="/sandbox/i/${post?.data.itemId}"]`).first().waitFor();
    expect({ thrown, refused }).toEqual({ thrown: [], refused: [] });
  });

  test('a preview says what a bot would do, and changes nothing', async () => {
    const bot = (await bots())[1];
    const { page } = await walkIn();
    const told = (await feed()).filter(({ botId }) => botId === bot?.id).length;
    await open(page, `/gallery/bots/${bot?.id}?tab=next`, bot?.name ?? '');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('[data-preview="3"]').waitFor();
    await page.getByLabel('Question').fill('Are you a person?');
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.locator('blockquote footer').waitFor();
    const after = await read<GalleryBot>(`bots/${bot?.id}`);
    expect(after.counts).toEqual(bot?.counts);
    expect(after.thinkNo).toBe(bot?.thinkNo);
    expect((await feed()).filter(({ botId }) => botId === bot?.id)).toHaveLength(told);
  });

  test('a cap that is used up puts the bot to sleep, with the reason and when it goes on', async () => {
    const { id, name } = (await bots())[2] ?? { id: '', name: '' };
    // It wants nothing but what the cap forbids.
    const odds = { post: 1, comment: 0, reply: 0, like: 0, browse: 0 };
    await send('PATCH', `bots/${id}`, { odds });
    const { page } = await walkIn();
    await open(page, `/gallery/budgets?scope=bot:${id}`, 'Budgets');
    await page.getByRole('button', { name: 'Edit caps' }).first().click();
    await page.getByRole('dialog').getByLabel('acts, today (UTC)').fill('0');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('Caps are set').waitFor();
    await open(page, `/gallery/bots/${id}`, name);
    await page.getByRole('button', { name: 'Think now' }).click();
    await page.locator('.page-line [data-state="sleeping"]').waitFor({ timeout: 20_000 });
    await page.getByText('A daily cap of this bot is used up.').waitFor();
    const why = page.locator('.why');
    await why.getByText('bot_budget', { exact: true }).waitFor();
    await why.getByText('goes on in').waitFor();
  });

  test('stop all: one confirmation, a proof, and no act after it; released, every bot is paused', async () => {
    const { page } = await walkIn();
    await open(page, '/gallery', 'Fleet');
    await page.getByRole('button', { name: 'Stop all gallery activity' }).click();
    const asked = page.getByRole('dialog');
    await asked.getByRole('button', { name: 'Keep running' }).waitFor();
    await asked.getByRole('button', { name: 'Stop all 6 bots' }).click();
    await page.getByText('No act started since').waitFor();
    await page.getByText(/: confirmed/).waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    await page.locator('[data-panic="on"]').waitFor();

    const { panic } = await read<{ panic: { at: string } }>('fleet');
    // Told to think at once, they do not.
    await send('POST', 'bots/bulk', { action: 'wake', all: true });
    await open(page, '/gallery/bots', 'Bots');
    await expect.poll(() => page.locator('[data-state="running"]').count()).toBe(0);
    const later = (await feed()).filter(({ type, at }) => /^(post|comment|reply|like)$/.test(type) && at > panic.at);
    expect(later).toEqual([]);

    await page.getByRole('button', { name: 'Release…' }).click();
    await page.getByRole('dialog').getByLabel('Why').fill('looked at it');
    await page.getByRole('dialog').getByRole('button', { name: 'Release the fleet' }).click();
    await page.locator('[data-panic="on"]').waitFor({ state: 'detached' });
    await expect.poll(async () => (await bots()).map(({ desired }) => desired)).not.toContain('running');
  });

  test('every page: nothing sideways at 390 px, axe finds nothing, nothing is refused or thrown', async () => {
    const [bot] = await bots();
    const visitor = await walkIn({ viewport: narrow, hasTouch: true });
    const { page } = visitor;
    const paths = [
      '',
      '/bots',
      '/bots/new',
      '/feed',
      '/personas',
      '/personas/harbor_log',
      '/budgets',
      '/targets',
      '/minds',
      '/evaluation',
      `/bots/${bot?.id}`,
    ];
    for (const path of paths) {
      await page.goto(`${lives.url}/gallery${path}`);
      await page.locator('main h1').waitFor();
      await expect.poll(() => page.locator('main .skeleton').count(), { timeout: 15_000 }).toBe(0);
      expect({ path, wide: await sideways(page), axe: await axe(page) }).toEqual({ path, wide: [], axe: [] });
    }
    expect(visitor).toMatchObject({ refused: [], thrown: [], elsewhere: [] });
  });
});
