import { parentPort, workerData } from 'node:worker_threads';
import { Resvg, type ResvgRenderOptions } from '@resvg/resvg-js';
import type { FromThread, ToThread } from './messages.ts';

/* Runs in a thread of its own: a picture that takes long, or takes the thread down, costs nobody else's time. */

const port = parentPort;
if (!port) throw new Error('raster-thread runs as a worker thread only');
const { fontFiles } = workerData as { fontFiles: string[] };

const options = (width: number): ResvgRenderOptions => ({
  font: {
    loadSystemFonts: false,
    fontFiles,
    defaultFontFamily: 'Manrope',
    sansSerifFamily: 'Manrope',
    serifFamily: 'Fraunces',
  },
  fitTo: { mode: 'width', value: width },
  logLevel: 'off',
});

port.on('message', (order: ToThread) => {
  let answer: FromThread;
  try {
    answer = order.kind === 'draw' ? draw(order.id, order.svg, order.width) : redraw(order);
  } catch (error) {
    answer = { id: order.id, ok: false, why: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is not a window
  port.postMessage(answer);
});

function draw(id: number, svg: string, width: number): FromThread {
  const image = new Resvg(svg, options(width)).render();
  return { id, ok: true, png: image.asPng(), width: image.width, height: image.height };
}

/** How a camera held sideways is set upright: width and height as stored → the transform that turns it (EXIF 2.32, tag 0x0112). */
const upright: Readonly<Record<number, (w: number, h: number) => string>> = {
  2: (w) => `matrix(-1 0 0 1 ${w} 0)`,
  3: (w, h) => `matrix(-1 0 0 -1 ${w} ${h})`,
  4: (_, h) => `matrix(1 0 0 -1 0 ${h})`,
  5: () => 'matrix(0 1 1 0 0 0)',
  6: (_, h) => `matrix(0 1 -1 0 ${h} 0)`,
  7: (w, h) => `matrix(0 -1 -1 0 ${h} ${w})`,
  8: (w) => `matrix(0 -1 1 0 0 ${w})`,
};

function redraw({
  id,
  bytes,
  mimeType,
  size: { width, height },
  orientation,
  sideMax,
}: Extract<ToThread, { kind: 'redraw' }>): FromThread {
  const [w, h] = orientation >= 5 ? [height, width] : [width, height];
  const turn = upright[orientation]?.(width, height);
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"><image width="${width}" height="${height}" preserveAspectRatio="none"${turn === undefined ? '' : ` transform="${turn}"`} href="data:${mimeType};base64,${data}"/></svg>`;
  const scale = Math.min(1, sideMax / Math.max(w, h));
  const drawing = new Resvg(svg, options(Math.max(1, Math.round(w * scale))));
  const image = drawing.render();
  // A picture that cannot be decoded is left out without a word, and leaves nothing but clear pixels.
  if (!image.pixels.some((byte) => byte !== 0))
    return { id, ok: false, why: 'empty', detail: 'nothing could be decoded' };
  return { id, ok: true, png: image.asPng(), width: image.width, height: image.height };
}
