import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spansOf, textOf } from './ansi.ts';
import { contrast, paintOf, type Rgb, readable, rgbOf } from './colour.ts';

const e = '\u001b';

describe('terminal text', () => {
  it('reads styles and colours of all three kinds', () => {
    expect(spansOf(`${e}[1;31mred${e}[0m plain`)).toEqual([
      { text: 'red', look: { bold: true, fg: 1 } },
      { text: ' plain', look: {} },
    ]);
    expect(spansOf(`${e}[38;5;208mx`)[0]?.look).toEqual({ fg: 208 });
    expect(spansOf(`${e}[38;2;1;2;3;48;5;4mx`)[0]?.look).toEqual({ fg: [1, 2, 3], bg: 4 });
    expect(spansOf(`${e}[38:2::1:2:3mx`)[0]?.look).toEqual({ fg: [1, 2, 3] });
    expect(spansOf(`${e}[92;103mx`)[0]?.look).toEqual({ fg: 10, bg: 11 });
    expect(spansOf(`${e}[1;2;3;4;7;9mx${e}[22;23;24;27;29my`).map(({ look }) => look)).toEqual([
      { bold: true, dim: true, italic: true, underline: true, inverse: true, strike: true },
      {},
    ]);
    expect(spansOf(`${e}[31mx${e}[my`)[1]?.look).toEqual({});
  });

  it('refuses colours that are none', () => {
    expect(spansOf(`${e}[38;5;999mx`)[0]?.look).toEqual({});
    expect(spansOf(`${e}[38;2;1;2mx`)[0]?.look).toEqual({});
    expect(spansOf(`${e}[38;9;1mx`)[0]?.look.fg).toBeUndefined();
  });

  it('overwrites after a carriage return, and erases', () => {
    expect(textOf('Downloading 12 %\rDownloading 100 %')).toBe('Downloading 100 %');
    expect(textOf('abcdef\rXY')).toBe('XYcdef');
    expect(textOf(`abcdef\r${e}[KXY`)).toBe('XY');
    expect(textOf(`abcdef${e}[2K`)).toBe('      ');
    expect(textOf('windows line\r')).toBe('windows line');
  });

  it('makes links of http and https only', () => {
    expect(spansOf(`${e}]8;;https://a.example/x${e}\\here${e}]8;;${e}\\ there`)).toEqual([
      { text: 'here', look: {}, href: 'https://a.example/x' },
      { text: ' there', look: {} },
    ]);
    expect(spansOf(`${e}]8;;javascript:alert(1)\u0007x`)[0]?.href).toBeUndefined();
    expect(spansOf('see https://a.example/b?c=1. And (http://d.example/e)!').filter(({ href }) => href)).toEqual([
      { text: 'https://a.example/b?c=1', look: {}, href: 'https://a.example/b?c=1' },
      { text: 'http://d.example/e', look: {}, href: 'http://d.example/e' },
    ]);
    expect(spansOf('javascript:alert(1) data:text/html,x').some(({ href }) => href)).toBe(false);
  });

  it('drops other escapes whole, and shows what never ends', () => {
    expect(textOf(`a${e}[2J${e}[10;20Hb${e}]0;title\u0007c${e}Pq#0${e}\\d${e}(Be`)).toBe('abcde');
    expect(textOf(`a${e}]0;never ends`)).toBe('a␛]0;never ends');
    expect(textOf(`a${e}[12`)).toBe('a␛[12');
    expect(textOf(`a${e}`)).toBe('a␛');
  });

  it('makes control characters, direction marks and half pairs visible', () => {
    expect(textOf('a\u0007b\u0000c\u202Ed\u2066e\ud83df')).toBe('a␇b␀c⟨RLO⟩d⟨LRI⟩e\ufffdf');
    expect(textOf('tab\tstays')).toBe('tab\tstays');
  });

  it('holds for anything: nothing invisible comes out, nothing is thrown, plain text stays', () => {
    const piece = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((codes) => String.fromCharCode(...codes)),
      fc.constantFrom(
        '\n',
        `${e}[`,
        `${e}]8;;`,
        `${e}\\`,
        '\u0007',
        '\r',
        `${e}[31m`,
        `${e}[38;5;`,
        'm',
        'K',
        ';',
        '\u202e',
        '\udc00',
        'http://',
        `${e}P`,
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = textOf(pieces.join(''));
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b]/);
      }),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', 'X', ' ', '0', '.', ':', '/', 'ö', 'ß', '漢') }),
        (text) => {
          expect(textOf(text)).toBe(text);
        },
      ),
    );
  });

  it('takes a line of 100 kB with 20,000 escapes in its stride', () => {
    const line = `${e}[31m`.repeat(20_000) + `x${e}[0`.repeat(5_000);
    const began = performance.now();
    spansOf(line);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('terminal colours', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const colour = fc.tuple(byte, byte, byte);

  it('can be read on every ground', () => {
    fc.assert(
      fc.property(colour, colour, (ink, ground) => {
        expect(contrast(readable(ink, ground), ground)).toBeGreaterThanOrEqual(4.49);
      }),
    );
  });

  it('stay as they are where they can be read', () => {
    const blue: Rgb = [30, 60, 200];
    expect(readable(blue, [255, 255, 255])).toBe(blue);
  });

  it('are known for all 256', () => {
    expect(rgbOf(16)).toEqual([0, 0, 0]);
    expect(rgbOf(231)).toEqual([255, 255, 255]);
    expect(rgbOf(244)).toEqual([128, 128, 128]);
    for (let i = 0; i < 256; i += 1) for (const part of rgbOf(i)) expect(part).toBeGreaterThanOrEqual(0);
  });

  it('become style properties for both themes', () => {
    expect(paintOf({})).toEqual({});
    expect(paintOf({ fg: 1 }).color).toMatch(/^light-dark\(rgb\(\d+ \d+ \d+\), rgb\(\d+ \d+ \d+\)\)$/);
    expect(paintOf({ fg: 7, bg: 0 })).toHaveProperty('backgroundColor');
    expect(paintOf({ inverse: true }).backgroundColor).toMatch(/^light-dark/);
  });
});
