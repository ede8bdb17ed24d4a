import { createRequire } from 'node:module';

/** A regular expression that takes time linear in what it is asked about, whoever wrote it. */
export interface LinearRegex {
  /** Whether it matches anywhere in a text. */
  test(text: string): boolean;
}

/**
 * Compiles a regular expression in the syntax of RE2, which is Go's.
 *
 * @returns undefined if it does not compile.
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function compileLinearRegex(pattern: string): LinearRegex | undefined {
  const { RE2JS } = engine();
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}

/** Loaded at first use: it takes 5 MB and 25 ms, and few processes ever see a pattern. */
function engine(): typeof import('re2js') {
  // A bundler follows `require` and keeps what it names lazy; as an ES module by itself, this has none.
  return typeof require === 'function' ? require('re2js') : createRequire(import.meta.url)('re2js');
}
