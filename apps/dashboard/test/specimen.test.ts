/* Every part with its states, as built and under the console's own policy: looks, access, focus, hostile text, a long log. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { axe, closeBrowser, narrow, noBrowser, sideways, type Visitor, visit } from './support/browser.ts';

const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'";
const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const parts = ['actions', 'marks', 'inputs', 'feedback', 'numbers', 'lists', 'big'] as const;

describe.skipIf(noBrowser)('the specimen', () => {
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-specimen-'));
    const root = join(import.meta.dirname, '..');
    await build({
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: folder, emptyOutDir: true, rolldownOptions: { input: join(root, 'specimen.html') } },
    });
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://x');
      readFile(join(folder, pathname)).then(
        (body) =>
          response
            .writeHead(200, {
              'content-type': types[extname(pathname)] ?? 'text/plain',
              'content-security-policy': policy,
            })
            .end(body),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await closeBrowser();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = async (part: string, theme: string, viewport?: { width: number; height: number }): Promise<Visitor> => {
    const visitor = await visit(url, viewport ? { viewport } : {});
    await visitor.page.goto(`${url}/specimen.html?only=${part}&theme=${theme}`);
    await visitor.page.getByRole('heading', { level: 1 }).waitFor();
    return visitor;
  };
  const fine = async ({ page, refused, thrown, elsewhere }: Visitor): Promise<void> => {
    expect(await axe(page)).toEqual([]);
    expect(await sideways(page)).toEqual([]);
    expect({ refused, thrown, elsewhere }).toEqual({ refused: [], thrown: [], elsewhere: [] });
    // No library brings styles of its own into the page.
    expect(await page.locator('style').count()).toBe(0);
  };

  for (const part of parts) {
    test(`${part}: axe, no sideways scroll, no refusal; wide in light, narrow in dark`, async () => {
      const visitor = await open(part, 'light');
      await fine(visitor);
      await visitor.page.getByRole('radio', { name: 'dark' }).check({ force: true });
      await visitor.page.setViewportSize(narrow);
      await fine(visitor);
    });
  }

  test('hostile text is text: no element, no script, nothing that turns the line', async () => {
    for (const part of ['marks', 'feedback', 'lists', 'big']) {
      const { page } = await open(part, 'light');
      expect(await page.locator('img, script:not([src]), #console script').count()).toBe(0);
      expect(await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u0000]/.test(document.body.innerText))).toBe(false);
    }
  });

  test('overlays open, are named, close by Escape, and give the focus back', async () => {
    const visitor = await open('actions', 'light');
    const { page } = visitor;
    const overlays = [
      ['Open dialog', 'dialog'],
      ['Open drawer', 'dialog'],
      ['Open keys', 'dialog'],
      ['Popover', 'dialog'],
      ['More actions', 'menu'],
    ] as const;
    for (const [name, role] of overlays) {
      const button = page.getByRole('button', { name, exact: true });
      await button.focus();
      await page.keyboard.press('Enter');
      const overlay = page.getByRole(role);
      await overlay.waitFor();
      expect(await axe(page), name).toEqual([]);
      await page.keyboard.press('Escape');
      await overlay.waitFor({ state: 'detached' });
      await poll(() => focused(page), name).toBe(name === 'More actions' ? 'More actions' : name);
    }
    await fine(visitor);
  });

  test('a confirmation names the thing, starts on the safe button, and offers undo', async () => {
    const visitor = await open('actions', 'dark', narrow);
    const { page } = visitor;
    await page.getByRole('button', { name: 'Confirm…' }).click();
    await page.getByRole('dialog', { name: 'Cancel 3 builds?' }).waitFor();
    await poll(() => focused(page)).toBe('Keep them');
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel 3 builds' }).click();
    await page.getByText('3 builds are being cancelled').waitFor();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await fine(visitor);
  });

  test('a secret stays until it is said to be stored', async () => {
    const { page } = await open('actions', 'light');
    await page.getByRole('button', { name: 'Open secret' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Done' }).click({ force: true });
    expect(await dialog.isVisible()).toBe(true);
    await page.getByLabel('I have stored it').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  test('the palette finds by a few letters and is walked by keys', async () => {
    const { page } = await open('actions', 'light');
    await page.getByRole('button', { name: 'Open palette' }).click();
    await page.getByRole('combobox').fill('overv');
    await poll(() => page.getByRole('option').count()).toBe(1);
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('filters are made by typing, land in the URL, and leave by Backspace', async () => {
    const { page } = await open('lists', 'light');
    const field = page.getByRole('combobox', { name: 'Filter and search' });
    await field.fill('sta');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.type('fai');
    await page.keyboard.press('Enter');
    await poll(() => new URL(page.url()).searchParams.getAll('state')).toEqual(['failed']);
    expect(await page.getByRole('table', { name: 'Builds' }).getByText('succeeded').count()).toBe(0);
    await field.press('Backspace');
    await poll(() => new URL(page.url()).searchParams.getAll('state')).toEqual([]);
    await page.goto(`${url}/specimen.html?only=lists&state=quued`);
    await page.getByText('quued').waitFor();
    expect(await page.getByText('Not used: not one of').count()).toBeGreaterThan(0);
  });

  test('a table draws what is seen, loads on, walks by j, selects by x and by range', async () => {
    const { page } = await open('lists', 'light');
    const rows = page.getByRole('table', { name: 'Builds' }).locator('tbody tr');
    expect(await rows.count()).toBeLessThan(40);
    await page.getByRole('region', { name: 'Builds, scrollable' }).evaluate((box) => box.scrollTo(0, 44 * 400));
    await poll(async () => Number(await rows.last().getAttribute('aria-rowindex'))).toBeGreaterThan(51);
    expect(await rows.count()).toBeLessThan(40);
    await page.getByRole('region', { name: 'Builds, scrollable' }).evaluate((box) => box.scrollTo(0, 0));
    await page.locator('h1').focus();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.closest('[data-index]')?.getAttribute('data-index')))
      .toBe('1');
    await page.keyboard.press('x');
    await page.getByText('2 selected').waitFor();
  });

  test('a log of a million lines: any line, the end, one wheel is a few lines', async () => {
    const { page } = await open('big', 'light');
    const log = page.getByRole('log', { name: 'Log of bld_01k9z7qx' });
    const numbers = () => log.locator('.log-number').allTextContents();
    await poll(async () => (await numbers()).includes('9987')).toBe(true);
    expect((await numbers()).length).toBeLessThan(60);
    await page.getByRole('button', { name: 'Go to line' }).click();
    await page.getByRole('spinbutton', { name: 'Line number' }).fill('500000');
    await page.keyboard.press('Enter');
    await poll(async () => (await numbers()).includes('500000')).toBe(true);
    const first = Number((await numbers())[0]);
    await log.hover();
    await page.mouse.wheel(0, 90);
    await poll(async () => Number((await numbers())[0]) - first).toBe(5);
    await page.getByRole('button', { name: 'Follow' }).click();
    await poll(async () => Number((await numbers()).at(-1))).toBeGreaterThanOrEqual(1_000_000);
    await page.keyboard.press('Shift+E');
    await expect
      .poll(async () => (await log.locator('[data-current]').textContent()) ?? '')
      .toContain('signing certificate');
  });
});

/** Waits for what the page shows, however busy the machine is. */
const poll = <T>(look: () => T | Promise<T>, message?: string) =>
  expect.poll(look, { timeout: 30_000, ...(message === undefined ? {} : { message }) });

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
