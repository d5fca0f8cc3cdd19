import { areas, type Level, levels, type Scope } from './scopes.ts';

/** What a person is in one project. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

const levelOf: Readonly<Record<Role, Level>> = { viewer: 'read', operator: 'operate', admin: 'admin' };

/** The scopes a role holds: its level, and those below it, in every area. */
export const scopesOf = (role: Role): readonly Scope[] => held[role];

const scopesAt = (role: Role): readonly Scope[] => {
  const upTo = levels.slice(0, levels.indexOf(levelOf[role]) + 1);
  return areas.flatMap((area) => upTo.map((level): Scope => `${area}:${level}`));
};

const held: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: scopesAt('viewer'),
  operator: scopesAt('operator'),
  admin: scopesAt('admin'),
};
