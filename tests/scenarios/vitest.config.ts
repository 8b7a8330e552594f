import { defineConfig } from 'vitest/config'

/** Whole stories: every sync error from its cause to its end, a month with outages, alerts over days. Minutes long. */
export default defineConfig({
  test: {
    include: ['tests/scenarios/**/*.scenario.ts'],
    globalSetup: ['tests/database.ts'],
    pool: 'forks',
    maxWorkers: 3,
    // Ends what hangs; a slow machine is no fault.
    testTimeout: 600_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
