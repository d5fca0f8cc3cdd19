/** @param {string} [name] Who is greeted; the world when nobody is named. */
export function greet(name) {
  const who = name?.trim() || 'world';
  return `Hello, ${who}!`;
}
