/** What this room needs of a logger; a pino logger is one. */
export type DbLogger = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export const silentLogger: DbLogger = { info: () => undefined, warn: () => undefined, error: () => undefined };
