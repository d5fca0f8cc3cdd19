/** Told to the server at registration; equal to the package's version (a test compares them). */
export const workerVersion = '0.1.0';
