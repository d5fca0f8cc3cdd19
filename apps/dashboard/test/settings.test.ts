/* Keys, people, audit, streams, usage and the system, as their pages show them: J2-J4, J24, J25, J27-J28. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lives } from '../../server/test/crash/support/lives.ts';
import { until } from '../../server/test/support/until.ts';
import { axe, closeBrowser, narrow, noBrowser, sideways, visit } from './support/browser.ts';
import { ready, setUpBy, signIn } from './support/walk-in.ts';

const pages = [
  'settings/you',
  'settings/keys',
  'settings/people',
  'settings/projects',
  'settings/audit',
  'settings/limits',
]
  .concat('settings/config', 'system', 'system/jobs', 'streams', 'usage')
  .map((path) => `/${path}`);

describe.skipIf(noBrowser)('settings, streams, usage, system', () => {
  let folder: string;
  let lives: Lives;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-console-settings-'));
    // Run as root, Postgres is another user and must pass through.
    await chmod(folder, 0o711);
    lives = await Lives.in(join(folder, 'data'));
    await lives.begin();
  });
  afterAll(async () => {
    await closeBrowser();
    await lives[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const at = async (page: Page, path: string, title: string): Promise<void> => {
    await page.goto(`${lives.url}${path}`);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
  };

  test('a key: its secret once, then it works, has two secrets, is revoked and refused, and the audit tells of it', async () => {
    const { page, refused, thrown } = await visit(lives.url);
    // Written once the server is ready.
    const link = join(folder, 'data', 'setup-url');
    await until(() => existsSync(link));
    await setUpBy(page, (await readFile(link, 'utf8')).trim());
    await at(page, '/settings/keys', 'API keys');
    await page.getByRole('button', { name: 'New key' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('ci of the shop');
    await form
      .getByRole('group', { name: 'Builds' })
      .or(form.getByRole('radiogroup', { name: 'Builds' }))
      .getByText('operate')
      .click();
    await form.getByRole('button', { name: 'Make key' }).click();
    const once = page.getByRole('dialog', { name: 'Your new key' });
    const secret = (await once.getByText(/^mst_/).first().textContent()) ?? '';
    const ask = (): Promise<Response> =>
      fetch(`${lives.url}/v1/builds`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await ask()).status).toBe(200);
    await once.getByRole('checkbox').click();
    await once.getByRole('button').last().click();
    expect(await page.getByText(secret).count()).toBe(0);
    await page.reload();
    await page.getByText('ci of the shop').first().waitFor();
    expect(await page.content()).not.toContain(secret);

    await page
      .getByRole('row', { name: /ci of the shop/ })
      .getByRole('button')
      .last()
      .click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page
      .getByRole('row', { name: /ci of the shop/ })
      .getByText('revoked')
      .waitFor();
    const after = await ask();
    expect({ status: after.status, reason: ((await after.json()) as { reason: string }).reason }).toEqual({
      status: 401,
      reason: 'revoked_credential',
    });

    await at(page, '/settings/audit', 'Audit');
    await page.getByText('key.revoked').first().waitFor();
    expect({ refused, thrown }).toEqual({ refused: [], thrown: [] });
  });

  test('an invited viewer comes in by the link and can press nothing that changes anything', async () => {
    const { page } = await visit(lives.url);
    await signIn(page, lives.url);
    await at(page, '/settings/people', 'People');
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make the link' }).click();
    const once = page.getByRole('dialog', { name: 'Invite link' });
    const link =
      (await once
        .getByText(/\/invite\//)
        .first()
        .textContent()) ?? '';

    const guest = await visit(lives.url);
    await guest.page.goto(link);
    await guest.page.getByLabel('Your name').fill('Vera Viewer');
    await guest.page.getByLabel('Email').fill('vera@example.com');
    await guest.page.getByLabel('Password').fill('nine pale lanterns by the quay');
    await guest.page.getByRole('button').first().click();
    await ready(guest.page);
    await at(guest.page, '/settings/people', 'People');
    await guest.page.getByText('Ada Admin').first().waitFor();
    const invite = guest.page.getByRole('button', { name: 'Invite' });
    expect(await invite.getAttribute('aria-disabled')).toBe('true');
    expect(await guest.page.locator(`[id="${await invite.getAttribute('aria-describedby')}"]`).textContent()).toContain(
      'admin',
    );
    await at(guest.page, '/streams', 'Streams');
    expect(await guest.page.getByRole('button', { name: 'New stream' }).getAttribute('aria-disabled')).toBe('true');
    expect(await guest.page.getByRole('link', { name: 'System' }).count()).toBe(0);
  });

  test('a stream is made, appended to, and what others append appears', async () => {
    const { page, thrown } = await visit(lives.url);
    await signIn(page, lives.url);
    await at(page, '/streams', 'Streams');
    await page.getByRole('button', { name: 'New stream' }).first().click();
    await page.getByRole('dialog').getByLabel('Path').fill('demo/notes');
    await page.getByRole('button', { name: 'Make stream' }).click();
    await page.getByRole('heading', { level: 1, name: 'demo/notes' }).waitFor();
    await page.getByLabel('A message').fill('{"says":"by hand"}');
    await page.getByRole('button', { name: 'Append' }).click();
    await page.getByRole('list', { name: 'Messages' }).getByText('by hand').waitFor();
    const key = await lives.key();
    await fetch(`${lives.url}/v1/stream/demo/notes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify([{ says: '<b>from elsewhere</b>' }]),
    });
    await page.getByRole('list', { name: 'Messages' }).getByText('<b>from elsewhere</b>').waitFor();
    await page.getByLabel('A message').fill('{broken');
    await page.getByRole('button', { name: 'Append' }).click();
    await page.getByText('This is no JSON.').waitFor();
    expect(thrown).toEqual([]);
  });

  test('every page: axe finds nothing and nothing is wider than the screen, wide and narrow, light and dark', {
    timeout: 240_000,
  }, async () => {
    for (const [viewport, colorScheme] of [
      [undefined, 'light'],
      [narrow, 'dark'],
    ] as const) {
      const { page, refused, thrown, elsewhere } = await visit(lives.url, viewport ? { viewport } : {});
      await page.emulateMedia({ colorScheme });
      await signIn(page, lives.url);
      for (const path of pages) {
        await page.goto(`${lives.url}${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect(await axe(page), `${path} ${colorScheme}`).toEqual([]);
        expect(await sideways(page), path).toEqual([]);
      }
      expect({ refused, thrown, elsewhere }).toEqual({ refused: [], thrown: [], elsewhere: [] });
    }
  });
});
