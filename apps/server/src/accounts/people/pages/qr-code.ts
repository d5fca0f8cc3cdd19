import { type Html, html } from './html.ts';
import { qrMatrix } from './qr-matrix.ts';

const quietZone = 4;

/** The text as a picture that a camera reads: dark on light in any theme, as cameras want it. */
export function qrCode(text: string): Html {
  const matrix = qrMatrix(text);
  const size = matrix.length + 2 * quietZone;
  const path = matrix
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + quietZone} ${y + quietZone}h1v1h-1z`] : [])))
    .join('');
  return html`<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label="The secret for the authenticator, to be scanned" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path fill="#000" d="${path}"/></svg>`;
}
