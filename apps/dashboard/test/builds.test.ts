/* Builds as a person meets them: submitted in the browser, waiting with a reason, followed, stopped, done again by the dozen. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';
import type { BuildSpecInput, Submitted } from '@muster/protocol';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BuildFailure, type RunBuild, silentLog, startWorker } from '../../../packages/worker/src/index.ts';
import { Lives } from '../../server/test/crash/support/lives.ts';
import { tinyZip } from '../../server/test/support/tiny-zip.ts';
import { axe, closeBrowser, narrow, noBrowser, sideways, type Visitor, visit } from './support/browser.ts';
import { setUpBy, signIn } from './support/walk-in.ts';

const archive = new Uint8Array(tinyZip([{ name: 'readme.txt', data: Buffer.from('hello') }]));

/** What the worker waits for, opened by a test. */
const gates = new Map<string, PromiseWithResolvers<void>>();
function gate(name: string): PromiseWithResolvers<void> {
  const found = gates.get(name) ?? Promise.withResolvers<void>();
  gates.set(name, found);
  return found;
}

/** The worker of these tests does what the build's task says. */
const run: RunBuild = async (job, { log, progress, signal, putArtifact, folder }) => {
  const { task, name } = job.build;
  if (task === 'fail') throw new BuildFailure('command_failed', 'the tests are red', { exitCode: 1 });
  if (task === 'wait')
    await new Promise((_, stop) => signal.addEventListener('abort', () => stop(signal.reason), { once: true }));
  if (task !== 'story') return;
  log('once upon a time');
  progress(40, 'compiling');
  await gate(`${name} middle`).promise;
  log('there was a build');
  await gate(`${name} end`).promise;
  await writeFile(join(folder.work, 'story.txt'), 'the end');
  await putArtifact('story.txt');
};

const faultless = { refused: [], thrown: [], elsewhere: [] };
const state = (page: Page, word: string): Promise<void> => page.locator(`.page-head [data-state="${word}"]`).waitFor();

describe.skipIf(noBrowser)('builds in the console', () => {
  let folder: string;
  let lives: Lives;
  let client: Client;
  let ready = false;
  const over = new AbortController();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-console-builds-'));
    // Run as root, Postgres is another user and must pass through.
    await chmod(folder, 0o711);
    lives = await Lives.in(join(folder, 'data'));
    await lives.begin();
    client = new Client({ url: lives.url, credential: await lives.key() });
    await work('mac', { lane: 'main' });
  }, 90_000);
  afterAll(async () => {
    over.abort();
    await closeBrowser();
    await lives[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  async function enter(options: Parameters<typeof visit>[1] = {}): Promise<Visitor> {
    const visitor = await visit(lives.url, options);
    if (ready) await signIn(visitor.page, lives.url);
    else await setUpBy(visitor.page, (await readFile(join(folder, 'data', 'setup-url'), 'utf8')).trim());
    visitor.page.setDefaultTimeout(20_000);
    ready = true;
    return visitor;
  }
  const submit = (spec: BuildSpecInput): Promise<Submitted> =>
    client.builds.submit({ expects: 'nothing', ...spec }, { source: new Blob([archive]) });
  async function work(name: string, labels: Record<string, string> = {}): Promise<void> {
    const { token } = await client.workers.register({ name, platforms: ['linux'], labels, seats: 4 });
    await startWorker({ url: lives.url, token, run, dir: join(folder, name), signal: over.signal, log: silentLog });
  }

  test.each([
    ['1280 px', {}],
    ['390 px', { viewport: narrow, hasTouch: true }],
  ])(
    'submit → queued with its reason → running → the log follows → succeeded → download (%s)',
    async (size, options) => {
      const { page, ...visitor } = await enter(options);
      const name = `story at ${size}`;
      const lane = size.replace(' ', '-');
      await page.goto(`${lives.url}/builds/new`);
      await page
        .locator('input[type=file]')
        .first()
        .setInputFiles({ name: 'src.zip', mimeType: 'application/zip', buffer: Buffer.from(archive) });
      await page.getByLabel(/^Name/).fill(name);
      await page.getByLabel('Platform').selectOption('linux');
      await page.getByLabel(/^Labels/).fill(`lane=${lane}`);
      await page.keyboard.press('Enter');
      await page.getByLabel(/^Task/).fill('story');
      expect(await axe(page)).toEqual([]);
      await page.getByRole('button', { name: 'Submit build' }).click();

      await page.getByRole('heading', { level: 1, name }).waitFor();
      await state(page, 'queued');
      await page.getByText(`No worker with platform linux has the label lane=${lane}.`).first().waitFor();
      await work(`mac ${lane}`, { lane });
      await state(page, 'running');
      await page.getByText('compiling').first().waitFor();

      await page.getByRole('tab', { name: /^Log/ }).click();
      await page.getByText('once upon a time').waitFor();
      gate(`${name} middle`).resolve();
      await page.getByText('there was a build').waitFor();
      expect(await sideways(page)).toEqual([]);
      expect(await axe(page)).toEqual([]);
      gate(`${name} end`).resolve();
      await state(page, 'succeeded');

      await page.getByRole('tab', { name: /^Input and output/ }).click();
      const downloading = page.waitForEvent('download');
      await page.locator('a[download="story.txt"]').click();
      expect(await readFile(await (await downloading).path(), 'utf8')).toBe('the end');
      await page.getByRole('tab', { name: /^Timeline/ }).click();
      await page.getByRole('button', { name: 'As table' }).waitFor();
      expect(await axe(page)).toEqual([]);
      expect(await sideways(page)).toEqual([]);
      expect(visitor).toMatchObject(faultless);
    },
  );

  test('cancel by key: asked first, the worker stops, and the button says why it cannot be pressed again', async () => {
    const { page, ...visitor } = await enter();
    const { id } = await submit({ name: 'endless', platform: 'linux', requires: { lane: 'main' }, task: 'wait' });
    await page.goto(`${lives.url}/builds/${id}`);
    await state(page, 'running');
    await page.keyboard.press('c');
    const dialog = page.getByRole('dialog').or(page.getByRole('alertdialog'));
    await dialog.getByText('Cancel endless?').waitFor();
    // The safe choice has the focus: Enter keeps the build.
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Cancel build' }).click();
    await dialog.getByRole('button', { name: 'Cancel build' }).click();
    await state(page, 'cancelled');
    await page.getByText('Cancelled by a person.').first().waitFor();
    const button = page.getByRole('button', { name: 'Cancel build' });
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    const why = await button.getAttribute('aria-describedby');
    expect(await page.locator(`[id="${why}"]`).textContent()).toContain('cancelled already');
    expect(visitor).toMatchObject(faultless);
  });

  test('the queue says which label has no worker, and who paused it and why', async () => {
    const { page, ...visitor } = await enter();
    await submit({ name: 'needs a gpu', queue: 'gpu', platform: 'linux', requires: { gpu: 'a100' } });
    await page.goto(`${lives.url}/builds/queue?queue=gpu`);
    await page.getByText('No worker with platform linux has the label gpu=a100.').waitFor();
    await page.getByText('no worker online').waitFor();
    await page.getByRole('button', { name: 'Pause…' }).click();
    await page.getByLabel('Reason').fill('new drivers');
    await page.getByRole('button', { name: 'Pause gpu' }).click();
    await page
      .getByText(/Paused by .*: new drivers/)
      .first()
      .waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Pause…' }).waitFor();
    expect((await client.queues.list()).items.find(({ name }) => name === 'gpu')?.paused).toBeNull();
    expect(visitor).toMatchObject(faultless);
  });

  test('bulk: all that match are retried, with the count first and progress after; rows move by themselves', async () => {
    const { page, ...visitor } = await enter();
    const many = 8;
    const spec = { platform: 'linux', requires: { lane: 'main' }, task: 'fail', tags: { batch: 'one' } } as const;
    await page.goto(`${lives.url}/builds?tag=batch=one`);
    await page.getByText('Nothing matches').waitFor();
    await Promise.all(Array.from({ length: many }, (_, n) => submit({ ...spec, name: `red ${n}` })));
    await page.getByRole('button', { name: new RegExp(`^${many} new`) }).click();
    const failed = page.locator('[data-index] [data-state="failed"]');
    await failed.nth(many - 1).waitFor();
    await page.getByText('the tests are red').first().waitFor();
    await page.getByLabel('Select all').first().check();
    await page.getByRole('button', { name: `Retry ${many}…` }).click();
    await page.getByRole('button', { name: `Retry ${many} builds` }).click();
    await page.getByText('Bulk action done').waitFor();
    await page.getByText(`${many} of ${many}`).waitFor();
    await page.reload();
    await page.getByText('Bulk action done').waitFor();
    expect((await client.builds.count({ tag: 'batch=one' })).count).toBe(2 * many);
    expect(await axe(page)).toEqual([]);
    expect(visitor).toMatchObject(faultless);
  });

  test('names, tags and errors from outside are text: nothing of them runs, hides or turns around', async () => {
    const { page, ...visitor } = await enter();
    const name = '<img src=x onerror="document.title=1">\u202Egnp.exe';
    const { id } = await submit({ name, platform: 'linux', requires: { lane: 'none' }, tags: { '<b>': '"><script>' } });
    for (const path of ['/builds', '/builds/queue', `/builds/${id}`, `/builds/${id}?tab=io`, `/builds/${id}?tab=api`]) {
      await page.goto(`${lives.url}${path}`);
      await page.getByText('<img src=x').first().waitFor();
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.locator('main').innerText()).not.toContain('\u202E');
    }
    expect(visitor).toMatchObject(faultless);
  });
});
