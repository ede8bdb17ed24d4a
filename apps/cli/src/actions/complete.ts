import { candidates, type LiveNames } from '../complete/candidates.ts';

/** Prints what the last word may be, a line for each: the word, a tab, and what it is. */
export async function complete(words: readonly string[]): Promise<void> {
  const found = await candidates(words, namesIfAny);
  process.stdout.write(found.map(({ value, description }) => `${value}\t${description}\n`).join(''));
}

/** Most words are no names, and what asks for those takes longer to load than all the rest. */
const namesIfAny: LiveNames = async (kinds, options) => {
  if (kinds.length === 0) return [];
  const { liveNames } = await import('../complete/live-names.ts');
  return await liveNames(kinds, options);
};
