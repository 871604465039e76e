// Runs `npm test`, and ends with the counts that vitest's JSON report gives: `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-ci-'));
const report = join(folder, 'tests.json');

/** Counts of a report; none where the tests never ran, because a check before them failed. */
function counts() {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    // a file that failed before its tests did counts as one failure
    const broken = testResults.filter(f => f.status === 'failed' && f.assertionResults.length === 0).length;
    return { passed: numPassedTests, failed: numFailedTests + broken };
  } catch {
    return undefined;
  }
}

const test = spawn('npm', ['test'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, MILLRACE_TEST_REPORT: report },
});
test.on('error', error => {
  console.error(`npm test: ${error.message}`);
  process.exitCode = 1;
});
test.on('close', code => {
  const found = counts();
  rmSync(folder, { recursive: true, force: true });
  const { passed, failed } = found ?? { passed: 0, failed: code === 0 ? 0 : 1 };
  if (!found) console.log('no test report: a check before the tests failed, or vitest did not start');
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = code ?? 1;
});
