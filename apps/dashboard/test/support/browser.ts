/**
 * A real Chromium for tests of the console. Each visitor has cookies of their own; whatever their pages complain about is kept:
 * refused by the policy, thrown, asked of another host.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';

const found = inject('chromium');
/** For `describe.skipIf`: browser tests are left out, loudly, when that was asked for. */
export const noBrowser = found === null;

const wide = { width: 1280, height: 900 };
export const narrow = { width: 390, height: 844 };

let browser: Promise<Browser> | undefined;

async function launch(): Promise<Browser> {
  if (!found) throw new Error('no browser');
  return chromium.launch({
    executablePath: found.path,
    env: { ...process.env, ...found.env },
    // A sandbox cannot be had as root; everything else is as in a browser at home.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

export async function closeBrowser(): Promise<void> {
  const open = await browser;
  browser = undefined;
  await open?.close();
}

export type Visitor = {
  page: Page;
  /** What the policy refused, by directive and address. */
  refused: string[];
  /** What was thrown and not caught. */
  thrown: string[];
  /** Requests to anything but the server. */
  elsewhere: string[];
};

/** A browser window of somebody new, with cookies of its own; closed with the test. */
export async function visit(url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  browser ??= launch();
  const context = await (await browser).newContext({ viewport: wide, reducedMotion: 'reduce', ...options });
  onTestFinished(() => context.close());
  const visitor: Visitor = { page: await context.newPage(), refused: [], thrown: [], elsewhere: [] };
  const { origin } = new URL(url);
  const { page } = visitor;
  await page.exposeFunction('musterRefused', (what: string) => void visitor.refused.push(what));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      const page = window as unknown as { musterRefused: (what: string) => void };
      page.musterRefused(`${violatedDirective} ${blockedURI} in ${sourceFile}`);
    });
  });
  page.on('pageerror', (error) => visitor.thrown.push(error.stack ?? error.message));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(origin) && !/^(data|blob|about):/.test(asked)) visitor.elsewhere.push(asked);
  });
  return visitor;
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type AxeRun = {
  violations: { id: string; impact: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[];
};

/** What axe finds wrong, one line for each place. It is injected by evaluation: the policy rightly refuses a script tag. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(await axeSource);
  const { violations } = await page.evaluate(async (): Promise<AxeRun> => {
    const { axe: tool } = window as unknown as { axe: { run(root: Document, options: object): Promise<AxeRun> } };
    return tool.run(document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] },
      resultTypes: ['violations'],
    });
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(' ')} (${failureSummary ?? ''})`),
  );
}

/** How far the page can be scrolled sideways, and what sticks out; boxes that scroll by themselves do not count. */
export const sideways = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { clientWidth } = document.documentElement;
    const scrolls = (node: Element | null): boolean =>
      node !== null &&
      (/auto|scroll|hidden|clip/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const out = [...document.body.querySelectorAll('*')].filter((node) => {
      const { right, width } = node.getBoundingClientRect();
      return width > 0 && right > clientWidth + 1 && !scrolls(node.parentElement);
    });
    const whole = document.scrollingElement?.scrollWidth ?? 0;
    return [
      ...(whole > clientWidth + 1 ? [`the page is ${whole} px wide, the screen ${clientWidth}`] : []),
      ...out.slice(0, 10).map((node) => `${node.tagName.toLowerCase()}.${node.className}`),
    ];
  });
