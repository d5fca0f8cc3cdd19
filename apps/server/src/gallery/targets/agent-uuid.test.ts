import { describe, expect, test } from 'vitest';
import { newId } from '#kernel/base';
import { agentUuid } from './agent-uuid.ts';
import { ownIndex } from './execute.ts';
import { imageSize } from './image-size.ts';

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

describe('which picture of a pipeline is ours', () => {
  const steps = ['generate', 'save', 'transform', 'save', 'transform'].map((kind) => ({ kind }));
  test.each([
    [2, 1],
    [5, 3],
    [3, 2],
    [1, 0],
  ])('%i pictures of 5 steps, 2 of them saves: number %i', (pictures, at) => {
    expect(ownIndex({ steps }, pictures)).toBe(at);
  });
  test('no save step: the last', () => {
    expect(ownIndex({ steps: [{ kind: 'generate' }, { kind: 'transform' }] }, 2)).toBe(1);
  });
});

test('sizes of pictures of ours', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452000004b0000003840806', 'hex');
  expect(imageSize('image/png', png)).toEqual({ width: 1200, height: 900 });
  expect(imageSize('image/png', Buffer.from('GIF89a'))).toBeUndefined();
  expect(imageSize('image/svg+xml', Buffer.from('<svg xmlns="x" viewBox="0 0 800 1000"><g/></svg>'))).toEqual({
    width: 800,
    height: 1000,
  });
  expect(imageSize('image/svg+xml', Buffer.from('<svg><g/></svg>'))).toBeUndefined();
});
