import { type Candidate, candidates } from '../complete/candidates.ts';
import { liveNames } from '../complete/live-names.ts';

/** Prints what the last word may be, a line for each: the word, a tab, and what it is. */
export async function complete(words: readonly string[]): Promise<void> {
  const lines = (await candidates(words, liveNames)).map(
    ({ value, description }: Candidate) => `${value}\t${description}\n`,
  );
  process.stdout.write(lines.join(''));
}
