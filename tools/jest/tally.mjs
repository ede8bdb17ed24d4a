// Jest reporter: adds this run's counts to the file that STOWAGE_TALLY names, so that many runs make one sum.
import { appendFileSync } from 'node:fs';

export default class Tally {
  onRunComplete(_, results) {
    const file = process.env.STOWAGE_TALLY;
    if (file === undefined) return;
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    appendFileSync(file, `${JSON.stringify({ passed: numPassedTests, failed, skipped: numPendingTests })}\n`);
  }
}
