import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greet } from '../src/greet.mjs';

test('greets by name', () => assert.equal(greet('Muster'), 'Hello, Muster!'));
test('greets the world when nobody is named', () => {
  assert.equal(greet(), 'Hello, world!');
  assert.equal(greet('  '), 'Hello, world!');
});
