import { betterAuth } from 'better-auth/minimal';
import { type Clock, type MusterError, newId, unavailable } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { adapterOver } from './engine-adapter.ts';
import { peopleLimits } from './limits.ts';
import { hashPassword, isPassword } from './passwords.ts';

/** Whether an email and a password belong together, and a new sign-in when they do. */
export type Engine = {
  /** The token of the new sign-in; `undefined`: wrong, whatever it was. Takes as long for people there are as for others. */
  signIn(
    given: { email: string; password: string },
    from: { address: string; userAgent: string },
  ): Promise<string | undefined>;
};

const addressHeader = 'x-sign-in-address';
/** The library wants to be somewhere; no request of the outside ever reaches it under this name. */
const here = 'http://engine.invalid';

/**
 * better-auth behind a door of ours. Its handler hears only calls this file makes: what comes from outside was checked before (origin,
 * tries, sizes), and what it answers is read here, so neither its tokens nor its own paths, sign-up among them, can be reached.
 */
export function createEngine(deps: { db: Db; clock: Clock; logger: Logger; secret: Uint8Array }): Engine {
  const { db, clock, logger } = deps;
  const auth = betterAuth({
    appName: 'Muster',
    baseURL: here,
    basePath: '/api/auth',
    secret: Buffer.from(deps.secret).toString('base64url'),
    database: adapterOver(db),
    trustedOrigins: [here],
    telemetry: { enabled: false },
    // The rules of operate §2 are kept before the library is asked, in rows that all nodes share.
    rateLimit: { enabled: false },
    logger: {
      disabled: false,
      level: 'warn',
      // Its messages are fixed sentences; what it adds to them may hold what somebody typed.
      log: (level, message) => (level === 'error' ? logger.error({}, message) : logger.debug({}, message)),
    },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: peopleLimits.passwordLengthMin,
      maxPasswordLength: peopleLimits.passwordLengthMax,
      password: { hash: hashPassword, verify: ({ hash, password }) => isPassword(password, hash) },
    },
    user: {
      modelName: 'people',
      fields: { emailVerified: 'email_verified', createdAt: 'created_at', updatedAt: 'updated_at' },
    },
    account: {
      modelName: 'person_credentials',
      fields: {
        accountId: 'account_id',
        providerId: 'provider',
        userId: 'person_id',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
    },
    session: {
      modelName: 'sign_ins',
      fields: {
        token: 'token_hash',
        userId: 'person_id',
        ipAddress: 'address',
        userAgent: 'user_agent',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
        expiresAt: 'expires_at',
      },
      additionalFields: { confirmedAt: { type: 'date', required: true, input: false, fieldName: 'confirmed_at' } },
      expiresIn: peopleLimits.signInIdleMs / 1000,
      cookieCache: { enabled: false },
    },
    verification: {
      modelName: 'verifications',
      fields: { createdAt: 'created_at', updatedAt: 'updated_at', expiresAt: 'expires_at' },
    },
    databaseHooks: {
      session: {
        create: {
          before: (session) => {
            const at = new Date(clock.now());
            const expiresAt = new Date(at.getTime() + peopleLimits.signInIdleMs);
            return Promise.resolve({
              data: { ...session, createdAt: at, updatedAt: at, confirmedAt: at, expiresAt },
            });
          },
        },
      },
    },
    advanced: {
      // Both are on; said, because the library turns them off where it believes to be tested.
      disableCSRFCheck: false,
      disableOriginCheck: false,
      ipAddress: { ipAddressHeaders: [addressHeader] },
      database: { generateId: ({ model }) => newId(model === 'session' ? 'signIn' : 'person') },
      useSecureCookies: false,
    },
  });

  return {
    async signIn({ email, password }, { address, userAgent }) {
      const response = await auth.handler(
        new Request(`${here}/api/auth/sign-in/email`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            origin: here,
            'user-agent': userAgent,
            [addressHeader]: address,
          },
          body: JSON.stringify({ email, password }),
        }),
      );
      const answer: unknown = await response.json().catch(() => undefined);
      // 400: the email cannot be one. To whoever asks that is as wrong as any other.
      if (response.status === 401 || response.status === 400) return undefined;
      if (response.status !== 200) throw broken(response.status);
      if (typeof answer !== 'object' || answer === null || !('token' in answer) || typeof answer.token !== 'string')
        throw broken(response.status);
      return answer.token;
    },
  };
}

const broken = (status: number): MusterError =>
  unavailable('sign_in_unavailable', 'Signing in does not work at this moment; the server log says why.', {
    retryAfterMs: 2000,
    cause: new Error(`the sign-in library answered ${status}`),
  });
