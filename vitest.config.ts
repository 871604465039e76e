import { defineConfig } from 'vitest/config';

// scripts/ci.mjs counts by it
const report = process.env.MILLRACE_TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // much more than any test needs: a limit against hangs, not a measure of speed
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
});
