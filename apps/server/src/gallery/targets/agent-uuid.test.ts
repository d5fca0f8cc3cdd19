import { describe, expect, test } from 'vitest';
import { newId } from '#kernel/base';
import { agentUuid } from './agent-uuid.ts';
import { pngSize } from './image-size.ts';

describe('the UUID inside a bot’s id', () => {
  test('is a version 7 UUID with the time of birth', () => {
    const uuid = agentUuid(newId('galleryBot', 4_000_000_000_000));
    expect(uuid).toMatch(/^03a3[0-9a-f]{4}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('differs with the id, and only ids of bots have one', () => {
    const ids = Array.from({ length: 500 }, () => newId('galleryBot'));
    expect(new Set(ids.map(agentUuid)).size).toBe(500);
    expect(agentUuid('gbt_00000000000000000000000000')).toBe('00000000-0000-0000-0000-000000000000');
    expect(agentUuid('gbt_7zzzzzzzzzzzzzzzzzzzzzzzzz')).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff');
    expect(() => agentUuid(newId('build'))).toThrow('not the id of a gallery bot');
  });
});

test('the size of a PNG, from its first bytes', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452000004b0000003840806', 'hex');
  expect(pngSize(png)).toEqual({ width: 1200, height: 900 });
  expect(pngSize(Buffer.from('GIF89a'))).toBeUndefined();
  expect(pngSize(Buffer.from('<svg xmlns="x" viewBox="0 0 800 1000"><g/></svg>'))).toBeUndefined();
});
