import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The console in a real browser: `npm run test:e2e`. Needs Chromium, named by THROUGHLINE_CHROMIUM or at /usr/bin/chromium. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['tests/e2e/**/*.e2e.ts'],
    globalSetup: ['tests/e2e/set-up.ts'],
    pool: 'forks',
    // One browser and one hub: pages are looked at one after the other.
    fileParallelism: false,
    // Tests that only look may share its cores.
    maxConcurrency: 3,
    // Ends what hangs; a slow machine is no fault.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
