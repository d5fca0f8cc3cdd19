/* The first walk: from the link of the terminal to a console that lives; its policy, its access, its honesty over a restart. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lives } from '../../server/test/crash/support/lives.ts';
import { until } from '../../server/test/support/until.ts';
import { axe, closeBrowser, narrow, noBrowser, sideways, visit } from './support/browser.ts';
import { submitBuild } from './support/submit-build.ts';
import { ada, pillIs, ready, setUpBy, signIn } from './support/walk-in.ts';

describe.skipIf(noBrowser)('the first walk', () => {
  let home: string;
  let folder: string;
  let lives: Lives;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'muster-console-'));
    // The database's own user has to come through.
    await chmod(home, 0o711);
    folder = join(home, 'data');
    lives = await Lives.in(folder);
    await lives.begin();
    if (lives.over) throw new Error(`the server did not start: ${lives.output}`);
  });
  afterAll(async () => {
    await closeBrowser();
    await lives[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  });

  test('a stranger is sent to sign in, and comes back to where they were', async () => {
    const { page } = await visit(lives.url);
    await page.goto(`${lives.url}/builds?state=queued`);
    await page.waitForURL(/\/sign-in\?next=/);
    expect(new URL(page.url()).searchParams.get('next')).toBe('/builds?state=queued');
  });

  test('setup link → console → live, nothing refused, thrown or asked elsewhere', async () => {
    const visitor = await visit(lives.url);
    const { page } = visitor;
    // Written once the server is ready.
    await until(() => existsSync(join(folder, 'setup-url')));
    await setUpBy(page, (await readFile(join(folder, 'setup-url'), 'utf8')).trim());
    expect(new URL(page.url()).pathname).toBe('/');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByRole('heading', { name: 'Live activity' }).waitFor();

    // A build by a key appears without a reload.
    const key = await lives.key();
    await submitBuild(lives.url, key, 'shop 2.4');
    await page.getByText('shop 2.4').first().waitFor();

    expect(await axe(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axe(page)).toEqual([]);
    expect(await sideways(page)).toEqual([]);
    expect(visitor).toMatchObject({ refused: [], thrown: [], elsewhere: [] });
  });

  test('390 px: no sideways scroll, areas at the bottom, axe finds nothing', async () => {
    const { page } = await visit(lives.url, { viewport: narrow, hasTouch: true });
    await signIn(page, lives.url);
    await page.locator('nav.bottom').waitFor();
    expect(await sideways(page)).toEqual([]);
    expect(await axe(page)).toEqual([]);
  });

  test('unknown paths offer a way on; ids lead to their page; keys open areas', async () => {
    const { page } = await visit(lives.url);
    await signIn(page, lives.url);
    await page.goto(`${lives.url}/no/such/page`);
    await page.getByRole('heading', { level: 1, name: 'Nothing is here' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
  });

  test('a server that is killed and comes back: the pill says so, and what happened meanwhile is there', async () => {
    const { page, thrown } = await visit(lives.url);
    await signIn(page, lives.url);
    const key = await lives.key();
    await lives.kill();
    await pillIs(page, 'reconnecting');
    await page.getByRole('button', { name: 'Retry now' }).waitFor();
    // What was good stays on screen.
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Overview');
    await lives.begin();
    await submitBuild(lives.url, key, 'after the fall');
    await pillIs(page, 'live', 40_000);
    await page.getByText('after the fall').first().waitFor();
    expect(await page.getByText('after the fall was submitted').count()).toBeLessThanOrEqual(1);
    expect(thrown).toEqual([]);
  });

  test('a sign-in that ends leaves the page, says so, and leads back', async () => {
    const { page, ...visitor } = await visit(lives.url);
    await signIn(page, lives.url);
    const here = page.url();
    await page.evaluate(() => fetch('/api/auth/sign-out', { method: 'POST' }));
    await pillIs(page, 'signedOut');
    expect(page.url()).toBe(here);
    await page.getByRole('link', { name: 'Sign in' }).first().click();
    await page.getByLabel('Email').fill(ada.email);
    await page.getByLabel('Password').fill(ada.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await ready(page);
    expect(page.url()).toBe(here);
    expect(visitor.refused).toEqual([]);
  });
});
