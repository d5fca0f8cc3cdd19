import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/* One build works under any path: what it loads is relative, and the server writes `<base href>` into each page. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react(), tailwind()],
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    // The policy of the page allows no data: styles or fonts, and a file is cached for longer than a page.
    assetsInlineLimit: 0,
    // The build step measures by itself, packed as they are sent.
    reportCompressedSize: false,
    chunkSizeWarningLimit: 10_000,
  },
});
