/* People in a real browser: looking, following live, taking part, with script and without. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Browser, chromium, openBrowser, type Tab } from '#test/chromium';
import { sandboxServer, svgOf } from '#test/sandbox-server';
import { until } from '#test/until';

describe.skipIf(chromium === undefined)('a person at the gallery', () => {
  let server: Awaited<ReturnType<typeof sandboxServer>>;
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    server = await sandboxServer({ signInPath: '/sign-in' });
    browser = await openBrowser();
    folder = await mkdtemp(join(tmpdir(), 'muster-person-'));
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => server.empty());

  /** A browser in which this person is signed in. */
  async function tabOf(person: string | undefined, path: string): Promise<Tab> {
    const tab = await browser.tab();
    if (person !== undefined) await tab.cookie(server.url, 'test_person', person);
    await tab.open(`${server.url}${path}`);
    return tab;
  }
  const text = (tab: Tab, selector: string): Promise<string> =>
    tab.run(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`);

  async function photo(): Promise<string> {
    const { blobId } = await server.sandbox.storeScene(svgOf('olive', 800, 600));
    const png = await (await fetch(`${server.url}/sandbox/images/${blobId}.png?w=256`)).arrayBuffer();
    const path = join(folder, 'photo.png');
    await writeFile(path, Buffer.from(png));
    return path;
  }

  for (const scripts of [true, false]) {
    test(`hangs a picture, likes, comments and takes both back, ${scripts ? 'with' : 'without'} script`, async () => {
      await server.bot('moss');
      const id = await server.post('moss', { title: 'Fern knight' });
      const tab = await tabOf('mia', '/sandbox/new');
      await tab.scripts(scripts);
      await tab.open(`${server.url}/sandbox/new`);
      await tab.type('#title', 'Mein Eck 苔');
      await tab.type('#alt', 'A field');
      await tab.type('#tags', 'green, #plain');
      await tab.attach('#image', await photo());
      await tab.going(() => tab.click('.sheet .button'));
      expect(await text(tab, 'h1')).toBe('Mein Eck 苔');
      expect(await tab.run('document.querySelector(".hung img").naturalWidth')).toBeGreaterThan(0);
      expect(await text(tab, '.tags')).toBe('greenplain');
      expect(await text(tab, '.author')).not.toContain('bot');

      await tab.open(`${server.url}/sandbox/i/${id}`);
      const likes = async (): Promise<[number, number]> => {
        const { item } = (await server.call('GET', `/api/showcase/${id}`)).body as { item: Record<string, number> };
        return [item['humanLikeCount'] ?? -1, item['botLikeCount'] ?? -1];
      };
      for (const [pressed, count] of [
        ['true', 1],
        ['false', 0],
        ['true', 1],
      ] as const) {
        if (scripts) await tab.click('.like');
        else await tab.going(() => tab.click('.like'));
        await until(async () => (await tab.run('document.querySelector(".like").ariaPressed')) === pressed);
        expect(await likes()).toEqual([count, 0]);
        expect(await text(tab, '.like [data-likes]')).toBe(String(count));
      }
      await tab.type('#content', 'Hätte ich auch gern <b>so</b> 👍🏽');
      if (scripts) await tab.click('.speak .button');
      else await tab.going(() => tab.click('.speak .button'));
      await until(async () => (await text(tab, '.words')) === 'Hätte ich auch gern <b>so</b> 👍🏽');
      expect(await tab.run('document.querySelectorAll(".comment").length')).toBe(1);
      expect(await text(tab, '.thread [data-comments]')).toBe(
        scripts ? await text(tab, '.thread [data-comments]') : '1',
      );
      await tab.going(() => tab.click('.comment form .plain'));
      expect(await tab.run('document.querySelectorAll(".comment").length')).toBe(0);
      expect(tab.complaints).toEqual([]);
    });
  }

  test('news come in without a jump, and are put up on a click', async () => {
    await server.bot('moss');
    await server.bot('kind');
    for (let i = 0; i < 12; i++) await server.post('moss', { title: `n${i}` });
    const tab = await tabOf(undefined, '/sandbox');
    await tab.size(1280, 800);
    const first = await tab.run<string>('document.querySelector(".card").dataset.item');
    const top = await tab.run<number>(
      '(scrollTo(0, 200), document.querySelectorAll(".card")[9].getBoundingClientRect().top)',
    );
    await until(() => tab.run<boolean>('!document.querySelector("[data-live-sign]").hidden'));
    const id = await server.post('moss', { title: 'Slack tide' });
    await server.call('PUT', `/api/showcase/${first}/like`, { as: 'kind', body: {} });
    await until(async () => (await text(tab, '[data-news]')) === '1 new picture');
    await until(async () => (await text(tab, `[data-item="${first}"] [data-likes]`)) === '1');
    expect(await tab.run('document.querySelectorAll(".card")[9].getBoundingClientRect().top')).toBe(top);
    expect(await tab.run('document.querySelector(".card").dataset.item')).toBe(first);
    await tab.click('[data-news]');
    expect(await tab.run('document.querySelector(".card").dataset.item')).toBe(id);
    const people = await tabOf(undefined, '/sandbox?people=1');
    await until(() => people.run<boolean>('!document.querySelector("[data-live-sign]").hidden'));
    await server.post('moss', { title: 'Another' });
    await until(async () => (await text(tab, '[data-news]')) === '1 new picture');
    expect(await people.run('document.querySelector(".news").hidden')).toBe(true);
    expect(tab.complaints).toEqual([]);
  });

  test('a thread goes on before one’s eyes', async () => {
    await server.bot('moss');
    await server.bot('kind');
    const id = await server.post('moss');
    const tab = await tabOf('mia', `/sandbox/i/${id}`);
    await until(() => tab.run<boolean>('!document.querySelector("[data-live-sign]").hidden'));
    await server.call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: 'How was it made?' } });
    await until(async () => (await text(tab, '.words')) === 'How was it made?');
    expect(await text(tab, '.comment .by')).toContain('automated account');
    await until(async () => (await text(tab, '.thread [data-comments]')) === '1');
  });

  test('no bots on my posts, by the switch on one’s own page alone', async () => {
    await server.form('mia', '/sandbox/me', { quiet: 'no' });
    const tab = await tabOf('mia', '/sandbox/u/mia');
    await tab.going(() => tab.click('.switch .button'));
    expect(await text(tab, '.switch .button')).toBe('Turn off');
    expect([...(await server.sandbox.quietPeople(server.projectId))]).toEqual(['mia']);
    const other = await tabOf('ben', '/sandbox/u/mia');
    expect(await other.run('document.querySelector(".switch")')).toBeNull();
    expect(await text(other, '.profile')).toContain('no bots on these posts');
  });

  test('every width and both lights hold everything; the keyboard reaches it', async () => {
    await server.bot('moss');
    await server.bot('kind');
    const id = await server.post('moss', {
      title: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(2),
    });
    await server.call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: 'x'.repeat(400) } });
    const tab = await tabOf('mia', '/sandbox');
    for (const path of ['/sandbox', `/sandbox/i/${id}`, '/sandbox/u/moss', '/sandbox/new']) {
      for (const width of [390, 1280]) {
        await tab.size(width, 844);
        await tab.open(`${server.url}${path}`);
        expect(await tab.run('document.documentElement.scrollWidth'), `${path} ${width}`).toBe(width);
      }
    }
    const paper = (): Promise<string> => tab.run('getComputedStyle(document.body).backgroundColor');
    await tab.colours('dark');
    const dark = await paper();
    await tab.colours('light');
    const light = await paper();
    expect(dark).not.toBe(light);
    await tab.click('[data-theme-switch]');
    expect(await paper()).toBe(dark);
    await tab.open(`${server.url}/sandbox`);
    expect(await paper()).toBe(dark);
    await tab.key('Tab');
    expect(await tab.run('document.activeElement.className')).toBe('skip');
    const reached = new Set<string>();
    for (let i = 0; i < 10; i++) {
      await tab.key('Tab');
      reached.add(
        await tab.run<string>('document.activeElement.className || document.activeElement.getAttribute("href")'),
      );
      expect(await tab.run('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    }
    expect([...reached]).toEqual(expect.arrayContaining(['brand', '/sandbox/trending', 'frame', 'by', 'round']));
  });
});
