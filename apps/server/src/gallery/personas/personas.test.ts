import { actKinds, type Persona, personaSchema } from '@muster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawsOf } from '#gallery/model';
import {
  builtInPersonas,
  checkPersona,
  checkTimezone,
  drawBot,
  effectiveTraits,
  isTimezone,
  mixOf,
  movedCurve,
  nearestTimezones,
  nextUsernames,
  plainPersona,
  readPersonas,
  weekOf,
  writePersonas,
} from './index.ts';

const personas = builtInPersonas();
const named = (id: string): Persona => personas.find((persona) => persona.id === id) as Persona;
const copy = (persona: Persona): Persona => structuredClone(persona);

describe('built-in personas', () => {
  it('are twelve, as the table of the spec has them', () => {
    expect(
      personas.map(({ id, weight, tier, timezone, odds }) => [
        id,
        weight,
        tier,
        timezone,
        actKinds.map((kind) => odds[kind]).join('/'),
      ]),
    ).toEqual([
      ['bench_vise', 0.9, 'regular', 'America/Toronto', '25/20/15/25/15'],
      ['first_week', 1.2, 'power', 'America/Chicago', '10/35/20/25/10'],
      ['gig_poster', 1.1, 'power', 'America/Bogota', '35/20/10/25/10'],
      ['hall_walker', 1.5, 'casual', 'UTC', '3/17/10/30/40'],
      ['harbor_log', 1.2, 'regular', 'Europe/Lisbon', '25/20/10/30/15'],
      ['kind_pencil', 0.9, 'regular', 'Europe/Helsinki', '10/40/20/20/10'],
      ['late_orbits', 0.7, 'casual', 'Australia/Adelaide', '20/20/15/25/20'],
      ['moss_sprites', 1.2, 'power', 'Asia/Tokyo', '30/20/15/25/10'],
      ['semaphore', 0.5, 'casual', 'Pacific/Auckland', '25/15/10/30/20'],
      ['stove_notes', 1, 'regular', 'Asia/Kolkata', '25/25/15/25/10'],
      ['tile_mender', 0.8, 'casual', 'Africa/Casablanca', '30/15/10/25/20'],
      ['tram_tally', 1, 'regular', 'Europe/Prague', '25/20/15/20/20'],
    ]);
    for (const persona of [...personas, plainPersona()]) expect(personaSchema.safeParse(persona).success).toBe(true);
  });

  it('keep their curves: Sunday first, digits by four', () => {
    const early = named('harbor_log').curve;
    expect(early[1]?.slice(4, 9)).toEqual([0.25, 1, 1.5, 1.75, 1.75]);
    expect(early[0]).toEqual(early[6]);
    expect(early[0]?.[5]).toBe(0.5);
    expect(weekOf({ weekday: '1'.repeat(23), weekend: '1'.repeat(24) })).toEqual(
      expect.objectContaining({ weekday: expect.any(String) }),
    );
  });
});

describe('import', () => {
  it('gives back what was exported', () => {
    const there = readPersonas(JSON.parse(JSON.stringify(writePersonas(personas))));
    expect(there.map((read) => read.ok && read.persona)).toEqual(personas);
    fc.assert(
      fc.property(
        fc.record({
          weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
          motifs: fc.array(
            fc.stringMatching(/^[a-zé ]{1,30}$/).filter((text) => text.trim() !== ''),
            { minLength: 24, maxLength: 30 },
          ),
          curve: fc.array(fc.array(fc.constantFrom(0.25, 1, 5), { minLength: 24, maxLength: 24 }), {
            minLength: 7,
            maxLength: 7,
          }),
          title: fc.constantFrom('Nebelbank', '霧の番人', 'حارس الضباب', "O'Hara & Söhne"),
        }),
        (change) => {
          const persona = { ...copy(named('semaphore')), ...change };
          const [read] = readPersonas(JSON.parse(JSON.stringify(writePersonas([persona]))));
          expect(read?.ok && read.persona).toEqual(persona);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('refuses row by row and takes the rest', () => {
    const good = named('hall_walker');
    const rows = [
      good,
      good,
      { ...good, id: 'a1', title: '<script>alert(1)</script>' },
      { ...good, id: 'a2', nameParts: [['<b>x</b>', ...good.nameParts[0]], good.nameParts[1]] },
      { ...good, id: 'a3', commentFrames: [...good.commentFrames, 'so {unheard_of}'] },
      { ...good, id: 'a4', commentFrames: [...good.commentFrames, 'so {open'] },
      { ...good, id: 'a5', timezone: 'Mars/Base' },
      { ...good, id: 'a6', curve: good.curve.map((day) => day.map(() => 0)) },
      { ...good, id: 'a7', odds: { post: 0, comment: 0, reply: 0, like: 0, browse: 0 } },
      {
        ...good,
        id: 'a8',
        lexicon: {
          ...good.lexicon,
          adj: Array.from({ length: 8 }, () => '{part}'),
          part: Array.from({ length: 8 }, () => '{adj}'),
        },
      },
      { ...good, id: 'a9', curve: good.curve.slice(1) },
      { ...good, id: 'b0', captionFrames: good.captionFrames.map(() => 'see example.com for {the_motif}') },
      { ...good, id: 'b1', lexicon: { ...good.lexicon, thing: good.lexicon['adj'] } },
      'text',
      null,
    ];
    expect(readPersonas(rows).map((read) => (read.ok ? 'ok' : read.reason))).toEqual([
      'ok',
      'duplicate_id',
      'markup',
      'markup',
      'unknown_blank',
      'unknown_blank',
      'timezone_unknown',
      'curve_empty',
      'odds_empty',
      'lexicon_loop',
      'curve_shape',
      'contains_url',
      'unknown_blank',
      'personas_shape',
      'personas_shape',
    ]);
    expect(readPersonas(rows)[4]).toMatchObject({
      row: 4,
      id: 'a3',
      pointer: expect.stringMatching(/^\/commentFrames\/\d+$/),
    });
  });

  it('refuses a document that is no list', () => {
    for (const document of [5, 'x', {}, { personas: 3 }])
      expect(() => readPersonas(document)).toThrow(/Expected a list/);
    expect(() => readPersonas(Array.from({ length: 501 }, () => ({})))).toThrow(/At most 500/);
  });

  it('answers anything', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), (rows) => readPersonas(rows).length === rows.length),
      { numRuns: 50 },
    );
  });

  it('reads the older keys', () => {
    const [read] = readPersonas([
      {
        id: 'pixel_pal',
        name: 'Pixel Pal',
        personality: 'Friendly.',
        vibe: 'retro',
        interests: ['pixel art', 'games'],
        probabilities: { post: 0.3, comment: 0.25, like: 0.4 },
        activity_schedule: {
          peak_hours: [9, 10],
          active_days: [1, 2, 3],
          timezone: 'Europe/Berlin',
          peak_multiplier: 2,
          off_peak_multiplier: 0.5,
        },
        activity_tier: { tier: 'power', min_action_interval_seconds: 30, max_action_interval_seconds: 90 },
        workflow_types: ['pixel', 'qr_code', 'quantum'],
        caption_templates: ['Look: {{subject}}', 'A {color} {motif}'],
        prompt_templates: ['{subject} in {style}'],
        name_templates: ['Pixel {n}', 'Sprite {adjective}'],
        username_prefix: 'Pixel-Pal',
      },
    ]);
    expect(read).toMatchObject({ ok: true, id: 'pixel_pal' });
    if (!read?.ok) return;
    const { persona, notes } = read;
    expect(persona.odds).toEqual({ post: 0.3, comment: 0.25, reply: 0, like: 0.4, browse: 0.05 });
    expect([persona.curve[0]?.[9], persona.curve[1]?.[9], persona.curve[1]?.[11]]).toEqual([0, 2, 0.5]);
    expect(persona).toMatchObject({
      tier: 'power',
      timezone: 'Europe/Berlin',
      recipes: { pixel: 1, qr: 1 },
      usernamePrefix: 'pixel_pal',
    });
    expect(persona.captionFrames.slice(0, 2)).toEqual(['Look: {motif}', 'A {tone} {motif}']);
    expect(persona.nameParts[0].slice(0, 2)).toEqual(['Pixel', 'Sprite']);
    expect(notes).toEqual(['workflow type "quantum" has no family of pictures']);
    const [again] = readPersonas(writePersonas([persona]));
    expect(again?.ok && again.persona).toEqual(persona);
  });

  it('refuses older rows that say what nobody understands', () => {
    const older = { id: 'old_one', probabilities: { post: 1 } };
    const reasons = [
      { ...older, caption_templates: ['Buy {product_url}'] },
      { ...older, name_templates: ['{surname} the bot'] },
      { ...older, probabilities: { post: -1 } },
      { ...older, activity_schedule: { peak_hours: [24] } },
      { ...older, activity_schedule: { timezone: 'Nowhere' } },
      { ...older, activity_tier: 'turbo' },
      { ...older, name_templates: 'x' },
    ].map((row) => readPersonas([row]).map((read) => (read.ok ? 'ok' : read.reason))[0]);
    expect(reasons).toEqual([
      'unknown_blank',
      'unknown_blank',
      'persona_invalid',
      'persona_invalid',
      'timezone_unknown',
      'persona_invalid',
      'persona_invalid',
    ]);
  });
});

describe('drawing bots', () => {
  const draw = (seed: number, index: number, from: readonly Persona[] = personas) =>
    drawBot({ seed, index, personas: from });
  const whole = (bot: ReturnType<typeof drawBot>) => ({ ...bot, usernames: [...bot.usernames()] });

  it('depends on seed and index alone', () => {
    for (const index of [0, 1, 17, 99_999]) {
      expect(whole(draw(1, index))).toEqual(whole(draw(1, index)));
      expect(whole(draw(1, index))).toEqual(whole(draw(1, index, personas.toReversed())));
      expect(draw(2, index).seed).not.toBe(draw(1, index).seed);
    }
  });

  it('gives every stretch of a fleet nearly the right mix', () => {
    const sum = personas.reduce((total, { weight }) => total + weight, 0);
    for (const seed of [1, 7, 123]) {
      const ids = Array.from({ length: 200 }, (_, index) => draw(seed, index).personaId);
      for (const { id, weight } of personas) {
        const expected = (200 * weight) / sum;
        expect(Math.abs(ids.filter((one) => one === id).length - expected)).toBeLessThanOrEqual(3);
      }
    }
  });

  it('offers many valid usernames, all different', () => {
    const long = {
      ...copy(plainPersona()),
      usernamePrefix: 'a',
      nameParts: [
        Array.from({ length: 12 }, () => 'Ünbelievably Long Forename O’Something'),
        Array.from({ length: 12 }, () => '日本'),
      ] as [string[], string[]],
    };
    for (const from of [personas, [long]]) {
      for (let index = 0; index < 40; index++) {
        const names = [...draw(3, index, from).usernames()];
        expect(names).toHaveLength(200);
        expect(new Set(names).size).toBe(200);
        expect(names.filter((name) => !/^[a-z0-9_]{3,30}$/.test(name))).toEqual([]);
      }
    }
    expect([...nextUsernames('harbor_tern')].slice(0, 2)).toEqual(['harbor_tern_2', 'harbor_tern_3']);
  });

  it('lets no two bots of a persona move in step', () => {
    const bots = Array.from({ length: 60 }, (_, index) => draw(5, index));
    expect(new Set(bots.map(({ traits }) => JSON.stringify(traits.curve))).size).toBe(60);
    for (const { traits } of bots) {
      expect(traits.curve?.flat().every((speed) => speed >= 0 && speed <= 5)).toBe(true);
      expect(traits.style && personaSchema.shape.style.safeParse(traits.style).success).toBe(true);
    }
    const tiers = bots.filter(({ traits }) => traits.tier !== undefined).length;
    expect(tiers).toBeGreaterThan(5);
    expect(tiers).toBeLessThan(30);
  });

  it('moves a curve by minutes around the week and keeps its amount', () => {
    const curve = named('tram_tally').curve;
    const sum = (of: readonly (readonly number[])[]): number => of.flat().reduce((total, speed) => total + speed, 0);
    expect(movedCurve(curve, 0, 1)).toEqual(curve);
    expect(movedCurve(curve, 60, 1)[1]?.slice(1)).toEqual(curve[1]?.slice(0, 23));
    expect(movedCurve(curve, -60, 1)[0]?.[23]).toBe(curve[1]?.[0]);
    const draws = drawsOf('curve');
    for (let i = 0; i < 20; i++) {
      const scale = 0.8 + 0.45 * draws.next();
      expect(sum(movedCurve(curve, draws.whole(-60, 60), scale)) / sum(curve)).toBeCloseTo(scale, 2);
    }
  });
});

describe('effective traits', () => {
  it('come from the bot, else from its persona, else from the fleet', () => {
    const own = { vibe: 'loud', tier: 'casual' as const };
    const traits = effectiveTraits(own, named('harbor_log'), { mind: 'improv' });
    expect(traits).toMatchObject({
      vibe: 'loud',
      tier: 'casual',
      minIntervalMs: 300_000,
      maxIntervalMs: 900_000,
      timezone: 'Europe/Lisbon',
      mind: 'improv',
      decide: 'odds',
      imageSource: 'scene',
    });
    expect(effectiveTraits({}, null, { mind: 'openai:x' })).toMatchObject({
      tier: 'regular',
      timezone: 'UTC',
      language: 'en',
      decide: 'mind',
      odds: { post: 15, comment: 20, reply: 10, like: 30, browse: 25 },
    });
    expect(effectiveTraits({ mind: 'improv' }, null, { mind: 'openai:x' }).decide).toBe('odds');
    expect(effectiveTraits({ minIntervalMs: 900_000 }, null, { mind: 'improv' })).toMatchObject({
      minIntervalMs: 900_000,
      maxIntervalMs: 900_000,
    });
    expect(effectiveTraits({ maxIntervalMs: 6_000 }, null, { mind: 'improv' })).toMatchObject({
      minIntervalMs: 6_000,
      maxIntervalMs: 6_000,
    });
    expect(mixOf({ post: 1, comment: 1, reply: 1, like: 0, browse: 0 })).toEqual({
      post: 33.3,
      comment: 33.3,
      reply: 33.3,
      like: 0,
      browse: 0,
    });
  });
});

describe('time zones', () => {
  it('are known by name, or the nearest are named', () => {
    for (const zone of ['UTC', 'Europe/Lisbon', 'Asia/Kolkata', 'America/Argentina/Ushuaia'])
      expect(isTimezone(zone)).toBe(true);
    for (const zone of ['Mars/Base', '+02:00', '', 'Europe/Lisbonne', '../etc']) expect(isTimezone(zone)).toBe(false);
    expect(nearestTimezones('Europe/Lisbonne')[0]).toBe('Europe/Lisbon');
    expect(nearestTimezones('lisbon')).toContain('Europe/Lisbon');
    expect(() => checkTimezone('Mars/Base')).toThrow(/near to it are \S+, \S+, \S+\./);
  });

  it('and a persona is checked as a whole', () => {
    expect(() => checkPersona({ ...copy(named('semaphore')), postProbability: 1 })).toThrow(/unknown field/);
    expect(Object.isFrozen(checkPersona(copy(named('semaphore'))).lexicon)).toBe(true);
  });
});
