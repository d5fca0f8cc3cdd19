/** The bare type, lower case: what decides whether two content types are the same. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

export const isJson = (contentType: string): boolean =>
  contentType === 'application/json' || mediaTypeOf(contentType) === 'application/json';
