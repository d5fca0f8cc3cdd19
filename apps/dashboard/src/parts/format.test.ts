import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytes,
  compact,
  count,
  duration,
  exact,
  money,
  percent,
  rate,
  relative,
  shortId,
  spokenDuration,
} from './format.ts';
import { cutTo, plain, visible } from './plain.ts';
import { localOf, momentOf } from './zone-time.ts';

describe('numbers', () => {
  it('durations have two units at most', () => {
    const told = [0, 84, 999, 2_450, 12_000, 59_999, 60_000, 252_000, 3_600_000, 11_040_000, 86_400_000, 273_600_000];
    expect(told.map(duration)).toEqual([
      '0 ms',
      '84 ms',
      '999 ms',
      '2.4 s',
      '12 s',
      '59 s',
      '1 m',
      '4 m 12 s',
      '1 h',
      '3 h 4 m',
      '1 d',
      '3 d 4 h',
    ]);
    expect([duration(null), duration(Number.NaN), duration(-5_000)]).toEqual(['–', '–', '−5 s']);
    expect(spokenDuration(252_000)).toBe('4 minutes 12 seconds');
    expect(spokenDuration(61_000)).toBe('1 minute 1 second');
  });

  it('sizes, counts, rates', () => {
    expect([0, 512, 999, 1_000, 18_400_000, 999_600].map(bytes)).toEqual([
      '0 B',
      '512 B',
      '999 B',
      '1 kB',
      '18.4 MB',
      '1 MB',
    ]);
    expect([count(4_312), count(null)]).toEqual(['4,312', '–']);
    expect([rate(35), rate(0.0533), rate(0), rate(4_310)]).toEqual(['35 /s', '3.2 /min', '0 /s', '4.31k /s']);
    expect([compact(980), compact(999_700), compact(1_200_000)]).toEqual(['980', '1M', '1.2M']);
  });

  it('shares never say all or nothing for what is not', () => {
    expect([0, 0.00001, 0.004, 0.02, 0.5, 0.996, 0.9999, 1].map(percent)).toEqual([
      '0 %',
      '< 0.1 %',
      '0.4 %',
      '2 %',
      '50 %',
      '99 %',
      '99.9 %',
      '100 %',
    ]);
  });

  it('money shows what is there', () => {
    expect([4_110_000, 31_000, 300, 0, 20_000_000, -1_500_000].map((micros) => money(micros))).toEqual([
      '$4.11',
      '$0.031',
      '$0.0003',
      '$0.00',
      '$20.00',
      '-$1.50',
    ]);
    expect(money(null)).toBe('–');
  });

  it('times are told by their distance and exactly', () => {
    const now = Date.UTC(2026, 10, 20, 12, 0, 0);
    expect(
      [0, -40_000, -250_000, -3 * 3_600_000, 40_000, -40 * 86_400_000].map((delta) => relative(now + delta, now)),
    ).toEqual(['now', '40s ago', '4m ago', '3h ago', 'in 40s', '40d ago']);
    expect(exact(now, 'utc')).toBe('20 Nov 2026, 12:00:00 UTC');
    expect(exact(now, 'Asia/Tokyo')).toContain('21:00:00');
  });

  it('ids are cut in the middle', () => {
    expect(shortId('bld_01k9z7qx4xj2mwqp8st6vb1nr5')).toBe('bld_…b1nr5');
    expect([shortId('482'), shortId('bld_abc')]).toEqual(['482', 'bld_abc']);
  });
});

describe('foreign text', () => {
  it('is visible, well-formed and short, whatever it was', () => {
    expect(visible('a\u202Eb\u0000c\ud800d')).toBe('a⟨RLO⟩b␀c\ufffdd');
    expect(visible('a\nb\tc', true)).toBe('a\nb\tc');
    expect(visible('👩‍👧 ok')).toBe('👩‍👧 ok');
    expect(visible('x\u{e0041}y')).toBe('x⟨E0041⟩y');
    expect(cutTo('x'.repeat(100_000), 300)).toEqual({ text: 'x'.repeat(300), cut: 99_700 });
    expect(cutTo('ab😀cd', 3)).toEqual({ text: 'ab', cut: 4 });
    expect(plain('short')).toBe('short');
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 400 }).map((codes) => String.fromCharCode(...codes)),
        fc.integer({ min: 1, max: 300 }),
        (text, max) => {
          const shown = plain(text, max);
          expect(shown.isWellFormed()).toBe(true);
          expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        },
      ),
    );
  });
});

describe('times of a zone', () => {
  it('come and go, over both changes of the clock', () => {
    expect(localOf('2026-11-20T12:00:00Z', 'Asia/Tokyo')).toBe('2026-11-20T21:00:00');
    expect(momentOf('2026-11-20T21:00', 'Asia/Tokyo')).toBe('2026-11-20T12:00:00.000Z');
    // Skipped in spring: as far after the jump. Twice in autumn: the first.
    expect(momentOf('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
    expect(momentOf('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
    expect([momentOf('', 'utc'), momentOf('soon', 'utc'), localOf(undefined, 'utc')]).toEqual([
      undefined,
      undefined,
      '',
    ]);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000 }),
        fc.constantFrom('utc', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
        (minutes, zone) => {
          const iso = new Date(minutes * 60_000).toISOString();
          const back = momentOf(localOf(iso, zone), zone);
          expect(localOf(back, zone)).toBe(localOf(iso, zone));
        },
      ),
    );
  });
});
