/* Coming in with a real browser, with script and without, on every width and in both lights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, chromium, openBrowser, type Tab } from '#test/chromium';
import { goodPassword, type PeopleServer, startPeople } from '#test/people';

const shots = process.env['MUSTER_TEST_SHOTS'];

describe.skipIf(chromium === undefined)('in a browser', () => {
  let server: PeopleServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await startPeople();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const text = (tab: Tab, selector: string): Promise<string> =>
    tab.run(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`);

  /** Everything fits, in both lights. */
  async function fits(tab: Tab, name: string): Promise<void> {
    for (const width of [1280, 390, 320]) {
      await tab.size(width, 800);
      for (const scheme of ['light', 'dark'] as const) {
        await tab.colours(scheme);
        const over = await tab.run<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(over, `${name} ${width}`).toBeLessThanOrEqual(0);
        const contrast = await tab.run<number>(leastContrast);
        expect(contrast, `${name} ${width} ${scheme}`).toBeGreaterThanOrEqual(4.5);
        if (shots !== undefined && width !== 320) await tab.shot(`${shots}/${name}-${width}-${scheme}.png`);
      }
    }
    await tab.size(1280, 800);
  }

  test('set up, look around, sign out, sign in wrongly and rightly, invite, take part in the gallery', async () => {
    const tab = await browser.tab();
    await tab.scripts(false);
    await tab.open(await server.setupLink());
    expect(await text(tab, 'h1')).toBe('Set up this server');
    await fits(tab, 'setup');
    await tab.type('#name', 'Ada Lovelace-Donaudampfschifffahrt');
    await tab.type('#email', 'ada@example.com');
    await tab.type('#password', 'passwordpassword');
    await tab.going(() => tab.click('button'));
    expect(await text(tab, '.fault')).toContain('tried first');
    await fits(tab, 'setup-fault');
    expect(await tab.run('document.querySelector("#email").value')).toBe('ada@example.com');
    await tab.type('#password', goodPassword);
    await tab.click('#withKey');
    await tab.going(() => tab.click('button'));
    expect(await text(tab, '.key')).toMatch(/^mst_/);
    await fits(tab, 'key');
    // The way on leads to the console, which is looked at elsewhere.
    expect(await tab.run('document.querySelector(".button").pathname')).toBe('/');
    await tab.open(`${server.url}/sign-in/second-factor`);
    expect(await text(tab, 'h1')).toBe('Second factor');
    await fits(tab, 'second-off');
    await tab.type('#password', goodPassword);
    await tab.going(() => tab.click('button'));
    expect(await text(tab, 'h1')).toBe('Scan this');
    expect(await text(tab, '.secret')).toMatch(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
    await fits(tab, 'second-scan');
    await tab.type('#code', '12345');
    await tab.going(() => tab.click('button'));
    expect(await text(tab, '.fault')).toContain('not right');
    await fits(tab, 'second-fault');
    await tab.open(`${server.url}/sign-in`);
    expect(await text(tab, 'h1')).toBe('You are signed in');
    await fits(tab, 'here');
    await tab.going(() => tab.click('button.soft'));
    expect(await text(tab, 'h1')).toBe('Sign in');
    await tab.type('#email', 'ada@example.com');
    await tab.type('#password', 'not the right one');
    await tab.going(() => tab.click('button'));
    expect(await text(tab, '.fault')).toContain('not right');
    await fits(tab, 'sign-in-fault');
    await tab.open(`${server.url}/sandbox`);
    await tab.going(() => tab.click('.me .button'));
    await fits(tab, 'sign-in');
    await tab.type('#email', 'ada@example.com');
    await tab.type('#password', goodPassword);
    await tab.going(() => tab.click('button'));
    expect(await tab.run('location.pathname')).toBe('/sandbox');
    expect(await text(tab, '.me .self')).toContain('Ada Lovelace');
    expect(tab.complaints.filter(isOdd)).toEqual([]);

    const admin = server.browser();
    await admin.signIn('ada@example.com');
    const { body } = await admin.api<{ url: string }>('/v1/invites', { json: { role: 'operator' } });
    await tab.open(body.url);
    expect(await text(tab, '.sheet')).toContain('You are signed in as Ada');
    await fits(tab, 'join');
    const guest = await browser.tab();
    await guest.open(body.url.replace('127.0.0.1', 'localhost'));
    await fits(guest, 'invite');
    await guest.type('#name', '苔');
    await guest.type('#email', 'guest@example.com');
    await guest.type('#password', goodPassword);
    await guest.going(() => guest.click('button'));
    await guest.open(body.url.replace('127.0.0.1', 'localhost'));
    expect(await text(guest, 'h1')).toBe('This invite is over');
    await fits(guest, 'gone');
    expect(guest.complaints.filter(isOdd)).toEqual([]);
  });
});

/** A browser notes every answer that refuses; those this test asks for are right. */
const isOdd = (line: string): boolean => !/status of 4(00|01|10) /.test(line);

/** The least contrast of any text to what lies behind it, by WCAG 2. */
const leastContrast = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour).length === 3 || numbers(colour)[3] > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = 99;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (node.textContent.trim() === '' || !node.parentElement) continue;
    const [a, b] = [light(getComputedStyle(node.parentElement).color), light(behind(node.parentElement))];
    least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return least;
})()`;
