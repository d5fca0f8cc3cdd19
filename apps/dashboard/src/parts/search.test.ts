import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flag, instant, integer, many, oneOf, pair, searchOf, span, text } from './search.ts';

const search = searchOf({
  state: many(oneOf(['queued', 'running', 'failed'])),
  tag: many(pair()),
  q: text(),
  priority: integer(-100, 100),
  from: instant(),
  last: span(),
  wrap: flag(),
});

describe('search parameters', () => {
  it('read what is valid and keep what is not', () => {
    const { values, invalid } = search.parse(
      '?state=queued&state=quued&state=queued&tag=branch=main&q=shop&priority=7&wrap=1&from=soon&last=24h&other=x',
    );
    expect(values).toEqual({
      state: ['queued'],
      tag: ['branch=main'],
      q: 'shop',
      priority: 7,
      from: undefined,
      last: '24h',
      wrap: true,
    });
    expect(invalid).toEqual([
      { key: 'state', value: 'quued', message: 'not one of queued, running, failed' },
      { key: 'from', value: 'soon', message: 'not a time such as 2026-11-20T12:00:00Z' },
    ]);
  });

  it('give every value a default when nothing is there', () => {
    expect(search.parse('')).toEqual({
      values: { state: [], tag: [], q: undefined, priority: undefined, from: undefined, last: undefined, wrap: false },
      invalid: [],
    });
  });

  it('write a patch and leave the rest alone, what is not theirs too', () => {
    expect(search.write('?state=queued&project=prj_1', { state: ['failed', 'running'], q: 'a b' })).toBe(
      '?project=prj_1&state=failed&state=running&q=a+b',
    );
    expect(search.write('?state=queued&q=x', { state: [], q: undefined })).toBe('');
    expect(search.write('', { tag: ['branch=a&b'], wrap: true })).toBe('?tag=branch=a%26b&wrap=1');
    expect(search.drop('?state=quued&state=failed', { key: 'state', value: 'quued', message: '' })).toBe(
      '?state=failed',
    );
    expect(search.clear('?state=queued&q=x&project=prj_1')).toBe('?project=prj_1');
  });

  it('hold numbers and lengths', () => {
    expect(search.parse('?priority=101').invalid).toHaveLength(1);
    expect(search.parse('?priority=1e2').invalid).toHaveLength(1);
    expect(search.parse(`?q=${'x'.repeat(201)}`).invalid[0]?.message).toBe('longer than 200 characters');
    expect(search.parse(`?${Array.from({ length: 60 }, (_, i) => `tag=k=${i}`).join('&')}`)).toMatchObject({
      values: { tag: { length: 50 } },
      invalid: { length: 10 },
    });
    expect(search.parse('?q=a&q=b')).toMatchObject({ values: { q: 'a' }, invalid: [{ value: 'b' }] });
  });

  it('come back as they were written', () => {
    const values = fc.record({
      state: fc.uniqueArray(fc.constantFrom('queued' as const, 'running' as const, 'failed' as const)),
      tag: fc.uniqueArray(
        fc.tuple(fc.stringMatching(/^[^=]{1,20}$/), fc.string({ maxLength: 40 })).map(([k, v]) => `${k}=${v}`),
        { maxLength: 5 },
      ),
      q: fc.option(fc.string({ minLength: 1, maxLength: 100 }), { nil: undefined }),
      priority: fc.option(fc.integer({ min: -100, max: 100 }), { nil: undefined }),
      wrap: fc.boolean(),
    });
    fc.assert(
      fc.property(values, (given) => {
        expect(search.parse(search.write('?project=p', given))).toMatchObject({ values: given, invalid: [] });
      }),
    );
  });

  it('never throw, whatever the URL says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes)),
        (raw) => {
          const { invalid } = search.parse(`?${raw}&state=${raw}`);
          for (const each of invalid) search.drop(raw, each);
        },
      ),
    );
  });
});
