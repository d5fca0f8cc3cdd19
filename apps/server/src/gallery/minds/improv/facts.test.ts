import { describe, expect, it } from 'vitest';
import { knownOf } from './facts.ts';

const things = (...facts: string[]): string[] => knownOf(facts).things.map(({ bare }) => bare);

describe('facts that name nothing', () => {
  // Lines that the image engine draws on cards, products, posters and charts; they come without their kind.
  it.each([
    'comes with two opinions',
    'comes with a short story',
    'fits left hands',
    'fits coat pockets',
    'serves four and a guest',
    'lasts nine winters',
    'lasts 10 000 uses',
    'keep one spoon aside',
    'stir when it asks',
    'taste, wait, taste again',
    'made in eleven steps',
    'made in the back room',
    'care cold water',
    'care keep from geese',
    'noise a whisper',
    'noise one polite click',
    'weight 1.2 kg',
    'price tag 42.50',
    'type plenty',
    'rain or shine',
    'questions are welcome',
    'no questions asked',
    'better on the second day',
    'one night, two encores',
    'unplugged in the boiler room',
    'mirrored eight ways',
    'turned by quarters',
    'gloves per week',
    "22 o'clock",
    'Saturday 19 October, 20:30',
    'two left tambouri…',
    'forty stalls under one roof',
    'left over from the',
    'samples tired',
    'store in a dry drawer',
    'open with care',
    'drafts rising',
    'bend sorted falling',
    'row unit pieces',
    'slice grey colours',
  ])('%s', (fact) => {
    expect(things(fact)).toEqual([]);
  });

  it('neither do the same words within a sentence', () => {
    expect(things('A lined box that comes with a short story, fits left hands and lasts nine winters.')).toEqual([
      'lined box',
      'short story',
    ]);
  });

  it.each([
    ['brass kettle', 'brass kettle'],
    ['plate of dumplings', 'plate of dumplings'],
    ['light on the floor', 'light on the floor'],
    ['quiet riot of geese', 'quiet riot of geese'],
    ['nine moss sprites', 'nine moss sprites'],
    ['two green sailboats', 'two green sailboats'],
    ['fern knight', 'fern knight'],
    ['open door', 'open door'],
    ['oil lamp', 'oil lamp'],
    ['dots pigeons', 'pigeons'],
    ['row of firs', 'row of firs'],
    ['heavy clouds', 'heavy clouds'],
    ['flat-topped mesa', 'flat-topped mesa'],
    ['works on paper', 'works on paper'],
    ['The Wet Cement Quartet', 'The Wet Cement Quartet'],
    ['A crooked teapot beside a rusted heron, on a hill.', 'crooked teapot'],
  ])('but %s does', (fact, thing) => {
    expect(things(fact)).toContain(thing);
  });
});

it('names of one or of many', () => {
  const many = (fact: string): boolean | undefined => knownOf([fact]).things[0]?.many;
  expect([
    many('The Polite Volcanoes'),
    many('The Boiler Room'),
    many('bicycles facing north'),
    many('row of firs'),
  ]).toEqual([true, false, true, false]);
});
