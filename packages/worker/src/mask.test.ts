import { array, assert, constantFrom, infiniteStream, nat, oneof, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mask } from './mask.ts';

function through(mask: Mask, chunks: readonly (string | Buffer)[]): string {
  const stream = mask.stream();
  const out = chunks.map((chunk) => stream.push(Buffer.from(chunk)));
  return Buffer.concat([...out, stream.end()]).toString();
}

describe('text', () => {
  test('replaces values of 8 characters and more, not shorter ones', () => {
    const mask = new Mask(['hunter2', 'correct-horse']);
    expect(mask.text('hunter2 correct-horse correct-horse!')).toBe('hunter2 *** ***!');
  });

  test('covers the union of overlapping secrets', () => {
    const mask = new Mask(['abcdefgh', 'efghijkl']);
    expect(mask.text('<abcdefghijkl>')).toBe('<***>');
  });

  test('covers each line of a secret of several lines', () => {
    const mask = new Mask(['-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n']);
    expect(mask.text('key: MIIEvQIBADANBg')).toBe('key: ***');
    expect(mask.text('-----BEGIN KEY-----\r')).toBe('***\r');
  });
});

describe('stream', () => {
  test('finds a secret cut anywhere', () => {
    const secret = 'pässword-ß-1234';
    const bytes = Buffer.from(`before ${secret} after`);
    const mask = new Mask([secret]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(through(mask, [bytes.subarray(0, cut), bytes.subarray(cut)])).toBe('before *** after');
    }
  });

  test('lets everything go that cannot become a secret', () => {
    const stream = new Mask(['secret-value']).stream();
    expect(stream.push(Buffer.from('an ordinary line\nsec')).toString()).toBe('an ordinary line\n');
    expect(stream.push(Buffer.from('ond line\n')).toString()).toBe('second line\n');
  });

  test('prefers the longer of two secrets that begin alike', () => {
    const mask = new Mask(['password1', 'password1234']);
    expect(through(mask, ['password1', '234 password1', 'x'])).toBe('*** ***x');
  });

  test('keeps a secret together with the one that begins inside it', () => {
    expect(through(new Mask(['abcdefgh', 'ghijklmn']), ['<abcdefgh', 'ijklmn>'])).toBe('<***>');
  });

  test('gives the same for any cuts, and never shows a secret', () => {
    const letters = constantFrom('a', 'b', 'ab', 'ba', '\n');
    const word = array(letters, { minLength: 8, maxLength: 12 }).map((parts) => parts.join(''));
    const secrets = array(word, { minLength: 1, maxLength: 3 });
    assert(
      property(
        secrets,
        array(oneof(letters, word), { maxLength: 20 }),
        infiniteStream(nat(5)),
        (values, parts, cuts) => {
          const mask = new Mask(values);
          const bytes = Buffer.from([...parts, values[0]].join(''));
          const whole = through(mask, [bytes]);
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length; ) {
            const size = 1 + (cuts.next().value ?? 0);
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(through(mask, chunks)).toBe(whole);
          for (const value of values) if (value.trim().length >= 8) expect(whole).not.toContain(value);
        },
      ),
    );
  });
});
