import { cp, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

/** What the bundles load at run time: these and what they need. */
export const NATIVES = ['koffi', 'classic-level'];

/** Text that is not loaded, and sources of what is there built. */
const LEFT_OUT = /^(deps|doc|docs|vendor|test|benchmark)$/;
const LOADED = ['.js', '.cjs', '.mjs', '.json', '.node'];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Copies packages with all that they depend on, as far as they are loaded on this machine.
 *
 * @param from - a node_modules, flat.
 * @throws if one that is not optional is not there.
 */
export async function copyPackages(names: readonly string[], from: string, to: string): Promise<void> {
  const copied = new Set<string>();
  const copy = async (name: string, isOptional: boolean): Promise<void> => {
    if (copied.has(name)) return;
    copied.add(name);
    const source = join(from, name);
    const text = await readFile(join(source, 'package.json'), 'utf8').catch((e: unknown) => {
      if (isOptional) return undefined;
      throw e;
    });
    if (text === undefined) return;
    await cp(source, join(to, name), { recursive: true, filter: (path) => isLoaded(relative(source, path)) });
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Manifest;
    for (const other of Object.keys(dependencies)) await copy(other, false);
    for (const other of Object.keys(optionalDependencies)) await copy(other, true);
  };
  for (const name of names) await copy(name, false);
}

/** Directories, code, licenses, and binaries of this platform. */
function isLoaded(path: string): boolean {
  const parts = path.split(sep);
  if (parts.some((part) => LEFT_OUT.test(part))) return false;
  const at = parts.indexOf('prebuilds');
  if (at >= 0 && parts[at + 1] !== undefined && !isOfThisPlatform(parts[at + 1] as string)) return false;
  const name = parts.at(-1) ?? '';
  return extname(name) === '' || LOADED.includes(extname(name)) || /^(licen[sc]e|copying|notice)/i.test(name);
}

/** As prebuildify names them: `linux-x64`, `darwin-x64+arm64`. */
function isOfThisPlatform(tuple: string): boolean {
  const [platform, architectures = ''] = tuple.split('-');
  return platform === process.platform && architectures.split('+').includes(process.arch);
}
