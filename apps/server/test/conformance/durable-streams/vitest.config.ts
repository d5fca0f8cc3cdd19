export default {
  test: {
    root: import.meta.dirname,
    include: ['suite.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
};
