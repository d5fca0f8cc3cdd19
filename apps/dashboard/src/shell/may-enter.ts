import type { PersonMe } from '@muster/protocol';
import { covers } from '@muster/protocol/scopes';
import type { Area } from './area.ts';

/** Whether an area is there for a person; what is not, is not shown either (D10). */
export function mayEnter(me: PersonMe, needs: Area['needs']): boolean {
  if (needs === undefined) return true;
  return needs === 'installation' ? me.installationAdmin : covers(me.scopes, needs);
}
