import { fixed } from '../drawing/numbers.ts';

/** A drawing on its way through a pipeline: what is inside its outermost element, and the frame around it. */
export type Picture = {
  inner: string;
  viewBox: readonly [x: number, y: number, width: number, height: number];
  width: number;
  height: number;
  /** Pixels stay square when it is made larger. */
  crisp: boolean;
  form: 'svg' | 'png' | 'webp';
  simulated: boolean;
};

const opening = /^<svg [^>]*>/;

export function pictureOf(svg: string, width: number, height: number, simulated: boolean): Picture {
  const [tag = ''] = opening.exec(svg) ?? [];
  return {
    inner: svg.slice(tag.length, -'</svg>'.length),
    viewBox: [0, 0, width, height],
    width,
    height,
    crisp: false,
    form: 'svg',
    simulated,
  };
}

const attributes = ({ viewBox, width, height, crisp }: Picture, aspect: string): string =>
  `viewBox="${viewBox.map(fixed).join(' ')}" width="${fixed(width)}" height="${fixed(height)}"${aspect === '' ? '' : ` preserveAspectRatio="${aspect}"`}${crisp ? ' shape-rendering="crispEdges"' : ''}`;

export const svgOf = (picture: Picture): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" ${attributes(picture, '')}>${picture.inner}</svg>`;

/** The picture as one part of another: at (x, y), in a box of that size. */
export const placed = (
  picture: Picture,
  x: number,
  y: number,
  width: number,
  height: number,
  aspect = 'xMidYMid meet',
): string =>
  `<svg x="${fixed(x)}" y="${fixed(y)}" ${attributes({ ...picture, width, height }, aspect)}>${picture.inner}</svg>`;

/** A new frame around parts that are drawn in its own pixels. */
export const framed = (picture: Picture, width: number, height: number, inner: string): Picture => ({
  ...picture,
  inner,
  viewBox: [0, 0, width, height],
  width,
  height,
});
