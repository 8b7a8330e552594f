import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The console is the only thing built; `npm run build` puts it where the hub serves it from. */
export default defineConfig({
  root: source('.'),
  plugins: [react()],
  resolve: {
    alias: [
      { find: /^#console\//, replacement: source('./') },
      { find: /^#/, replacement: source('../src/') },
    ],
  },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // Data URLs aside from images are not in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    port: 5173,
    proxy: { '/api': 'http://127.0.0.1:4000', '/docs': 'http://127.0.0.1:4000' },
  },
})
