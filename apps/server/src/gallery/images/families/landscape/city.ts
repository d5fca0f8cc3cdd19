import { colour, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linearAcross } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import { seen } from './light.ts';
import { type Ground, mist } from './ridge.ts';
import { fill } from './stage.ts';

export const city: Ground = (stage) => {
  const { draws, width, height, horizon, light, drawing } = stage;
  const dark = light.hour === 'night' || light.hour === 'dusk' || light.hour === 'dawn';
  const glow = colour('#ffd98a');
  for (let layer = 0; layer < 4; layer++) {
    const share = layer / 3;
    const base = between(horizon + 40, height * 1.02, share ** 1.2);
    const distance = between(0.8, 0.05, share);
    const own = mix(colour('#5a6478'), colour(draws.pick(['#8a5a4e', '#4e6a7a', '#7a6a8a'])), 0.5);
    const path = new Path();
    const panes = new Path();
    for (let x = -30; x < width + 20; ) {
      const w = between(38, 92, draws.next()) * between(0.75, 1.75, share);
      const h = between(60, 330, draws.next() ** 1.7) * between(0.85, 1.2, share);
      const top = base - h;
      const roof = draws.whole(0, 7);
      path.to(x, height).line(x, top);
      if (roof === 0) path.line(x + w / 2, top - w * 0.42).line(x + w, top);
      else if (roof === 1)
        path
          .line(x + w * 0.25, top)
          .line(x + w * 0.25, top - 18)
          .line(x + w * 0.75, top - 18)
          .line(x + w * 0.75, top)
          .line(x + w, top);
      else if (roof === 2)
        path
          .line(x + w * 0.5 - 2, top)
          .line(x + w * 0.5 - 1, top - 62)
          .line(x + w * 0.5 + 1, top - 62)
          .line(x + w * 0.5 + 2, top)
          .line(x + w, top);
      else if (roof === 3) path.arc(w / 2, w / 2.6, x + w, top, 0, 1);
      else path.line(x + w, top);
      path.line(x + w, height).close();
      if (layer > 0) {
        const [pw, ph] = [between(5, 9, share), between(8, 13, share)];
        const lit = dark ? 0.44 : 0.16;
        for (let row = top + 16; row < Math.min(base, top + 260) - 14; row += ph * 2.1)
          for (let at = x + 9; at < x + w - pw - 5; at += pw * 2.25) if (draws.chance(lit)) panes.box(at, row, pw, ph);
      }
      x += w + (draws.chance(0.3) ? between(4, 26, draws.next()) : 0);
    }
    fill(
      stage,
      path,
      linearAcross(
        drawing,
        [
          [0, seen(light, own, distance)],
          [1, seen(light, own, Math.min(1, distance + 0.3))],
        ],
        [0, base - 300, 0, base + 60],
      ),
    );
    if (panes.d !== '')
      fill(stage, panes, dark ? glow : mix(seen(light, own, distance), light.sky[2], 0.6), {
        'fill-opacity': dark ? between(0.5, 0.95, share) : 0.7,
      });
    if (layer < 3) mist(stage, base - 20, 0.2);
  }
  if (dark) stage.facts.push({ kind: 'thing', text: 'lit windows' });
  stage.facts.push({ kind: 'thing', text: 'rooftops' });
  return [];
};
