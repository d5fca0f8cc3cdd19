/** Where the page of a stream is; its path keeps its slashes. */
export const streamPath = (path: string): string => `/streams/${path.split('/').map(encodeURIComponent).join('/')}`;
