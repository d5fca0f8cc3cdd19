import { serverPage } from '../api/place.ts';

/** Ends the sign-in of this browser; the page that is left holds nothing of it. */
export async function signOut(): Promise<void> {
  await fetch(serverPage('/api/auth/sign-out'), { method: 'POST' }).catch(() => undefined);
  location.assign(serverPage('/sign-out'));
}
