import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts', 'console/**/*.test.ts'],
    exclude: ['tests/e2e/**', 'node_modules/**'],
    globalSetup: ['tests/database.ts'],
    pool: 'forks',
    // More than cores: files wait for databases and clocks as often as they compute.
    maxWorkers: 3,
    // Ends what hangs; a slow machine is no fault.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
