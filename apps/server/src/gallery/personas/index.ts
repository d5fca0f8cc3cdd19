/** The archetypes gallery bots are drawn from: the built-in ones, imported ones, and how a bot is drawn. Pure but for reading files. */
export { builtInPersonas, plainPersona } from './built-in.ts';
export { checkPersona } from './check-persona.ts';
export { movedCurve, weekOf } from './curve.ts';
export { type DrawnBot, drawBot, nextUsernames } from './draw-bot.ts';
export { effectiveTraits, type FleetTraits, mixOf, personaDefaults } from './effective.ts';
export { matchesOlder } from './older.ts';
export { type PersonaRead, readPersonas, writePersonas } from './read.ts';
export { checkTimezone, isTimezone, nearestTimezones } from './zones.ts';
