/** All that was read of keys. */
export const keysKey = ['accounts', 'keys'];
