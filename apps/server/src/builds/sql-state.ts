/** The SQLSTATE of an error that came out of a statement; empty when it has none. */
export function sqlState(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
