import { findProgram } from './find-program.ts';
import { throughProgram } from './through-program.ts';

/** Programs that inflate gzip several times faster than zlib, the fastest first; both take `-d -c`. */
const PROGRAMS = ['igzip', 'unpigz'];

/** The path of a program that inflates gzip from stdin to stdout, if one is installed in the PATH. */
export async function findGunzip(path?: string): Promise<string | undefined> {
  for (const name of PROGRAMS) {
    const file = await findProgram(name, path);
    if (file !== undefined) return file;
  }
  return undefined;
}

/**
 * Inflates gzip by a program; see {@link throughProgram}.
 *
 * @throws Fault `invalid_argument` if the program says that the bytes are damaged.
 */
export const gunzippedBy = (
  path: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> =>
  throughProgram({ path, args: ['-d', '-c'], env: {}, purpose: 'inflate gzip' }, source, signal);
