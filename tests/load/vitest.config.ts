import { defineConfig } from 'vitest/config'

/** Tests that kill processes; minutes long, so they are no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['tests/load/**/*.chaos.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
})
