/**
 * A real browser for tests, spoken to by its own debugging protocol: pages, clicks, keys, screenshots. No browser comes with
 * the install; a machine that has none says so, and with `CI` set that is a failure.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { until } from './until.ts';

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const isThere = async (place: string): Promise<boolean> =>
  access(place).then(
    () => true,
    () => false,
  );
const found: string[] = [];
for (const place of places) if (place !== undefined && (await isThere(place))) found.push(place);
export const chromium = found[0];
if (chromium === undefined) {
  if (process.env['CI']) throw new Error('no Chromium on this machine (CHROMIUM names another place)');
  process.stderr.write('skipped: no Chromium on this machine (CHROMIUM names another place)\n');
}

type Reply = {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
  sessionId?: string;
};

/** Runs in the page. */
type Evaluated<T> = { result: { value: T }; exceptionDetails?: { exception?: { description?: string }; text: string } };

type Send = (method: string, params?: object) => Promise<Record<string, unknown>>;

export class Tab {
  readonly #send: Send;
  /** What the page complained about: errors, refused loads. */
  readonly complaints: string[];

  constructor(send: Send, complaints: string[]) {
    this.#send = send;
    this.complaints = complaints;
  }

  async open(url: string): Promise<void> {
    await this.run('document.body?.setAttribute("data-left", "")');
    await this.#send('Page.navigate', { url });
    await this.ready();
  }

  /** A page that is whole, and is not the one before. */
  async ready(): Promise<void> {
    await until(async () => {
      try {
        return await this.run<boolean>(
          'document.readyState === "complete" && !document.body.hasAttribute("data-left")',
        );
      } catch {
        return false;
      }
    });
  }

  /** Does what leads to another page, and waits for that. */
  async going(act: () => Promise<unknown>): Promise<void> {
    await this.run('document.body.setAttribute("data-left", "")');
    await act();
    await this.ready();
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects
  async run<T>(expression: string): Promise<T> {
    const answer = (await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as Evaluated<T>;
    if (answer.exceptionDetails)
      throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
    return answer.result.value;
  }

  async size(width: number, height: number): Promise<void> {
    await this.#send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
  }

  async colours(scheme: 'light' | 'dark'): Promise<void> {
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  async scripts(on: boolean): Promise<void> {
    await this.#send('Emulation.setScriptExecutionDisabled', { value: !on });
  }

  async cookie(url: string, name: string, value: string): Promise<void> {
    await this.#send('Network.setCookie', { url, name, value });
  }

  /** As a person does: with the mouse, in the middle of what is seen. */
  async click(selector: string): Promise<void> {
    const { x, y } = await this.run<{ x: number; y: number }>(
      `(() => { const node = document.querySelector(${JSON.stringify(selector)}); node.scrollIntoView({ block: 'center' }); const { left, top, width, height } = node.getBoundingClientRect(); return { x: left + width / 2, y: top + height / 2 }; })()`,
    );
    const mouse = { x, y, button: 'left', clickCount: 1 };
    await this.#send('Input.dispatchMouseEvent', { ...mouse, type: 'mousePressed' });
    await this.#send('Input.dispatchMouseEvent', { ...mouse, type: 'mouseReleased' });
  }

  async type(selector: string, text: string): Promise<void> {
    await this.run(`document.querySelector(${JSON.stringify(selector)}).focus()`);
    await this.#send('Input.insertText', { text });
  }

  async key(key: string): Promise<void> {
    const code = key === 'Tab' ? 9 : key === 'Enter' ? 13 : 0;
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' ? { text: '\r' } : {}) };
    await this.#send('Input.dispatchKeyEvent', { ...event, type: 'keyDown' });
    await this.#send('Input.dispatchKeyEvent', { ...event, type: 'keyUp' });
  }

  async attach(selector: string, path: string): Promise<void> {
    const { root } = (await this.#send('DOM.getDocument')) as { root: { nodeId: number } };
    const { nodeId } = (await this.#send('DOM.querySelector', { nodeId: root.nodeId, selector })) as { nodeId: number };
    await this.#send('DOM.setFileInputFiles', { nodeId, files: [path] });
  }

  async shot(path: string, whole = true): Promise<void> {
    const { data } = (await this.#send('Page.captureScreenshot', { captureBeyondViewport: whole })) as { data: string };
    await writeFile(path, Buffer.from(data, 'base64'));
  }
}

export type Browser = AsyncDisposable & { tab(): Promise<Tab> };

export async function openBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'muster-browser-'));
  const words = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    'about:blank',
  ];
  // A group of its own: a browser is many processes.
  const child = spawn(chromium ?? '', words, { stdio: 'ignore', detached: true });
  const portFile = join(profile, 'DevToolsActivePort');
  let address: string[] = [];
  await until(
    async () => {
      address = (await readFile(portFile, 'utf8').catch(() => '')).split('\n');
      return address.length >= 2;
    },
    { withinMs: 30_000 },
  );
  const socket = new WebSocket(`ws://127.0.0.1:${address[0]}${address[1]}`, { perMessageDeflate: false });
  await once(socket, 'open');
  let last = 0;
  const waiting = new Map<number, (reply: Reply) => void>();
  const complaints = new Map<string, string[]>();
  socket.on('message', (data: Buffer) => {
    const reply = JSON.parse(data.toString('utf8')) as Reply;
    if (reply.id !== undefined) {
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
      return;
    }
    const said = complaints.get(reply.sessionId ?? '');
    if (reply.method === 'Runtime.exceptionThrown' || reply.method === 'Log.entryAdded')
      said?.push(JSON.stringify(reply.params));
  });
  const send = (method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ result = {}, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result),
      );
      socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    });
  return {
    async tab() {
      const { browserContextId } = await send('Target.createBrowserContext');
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
      const { sessionId } = (await send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
      const said: string[] = [];
      complaints.set(sessionId, said);
      const tab = new Tab((method, params) => send(method, params, sessionId), said);
      for (const domain of ['Page', 'Runtime', 'Network', 'DOM', 'Log']) await send(`${domain}.enable`, {}, sessionId);
      return tab;
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        process.kill(-child.pid, 'SIGKILL');
        await gone;
      }
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
