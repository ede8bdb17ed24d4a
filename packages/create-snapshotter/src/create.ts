import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';
import type { Names } from './names.ts';

const TEMPLATE = join(import.meta.dirname, '../template');

/** Under their own names, npm leaves the one out of a package, and tools take the other for that of a package here. */
const RENAMED: Readonly<Record<string, string>> = {
  gitignore: '.gitignore',
  'manifest.json': 'package.json',
};

type Ranges = Readonly<Record<string, string>>;
interface Manifest {
  readonly dependencies?: Ranges;
  readonly devDependencies?: Ranges;
}

/**
 * Puts a package into a directory that is empty or not there yet.
 *
 * @returns the files that were written, relative to the directory.
 * @throws Fault `failed_precondition` if there is something in the directory, or in its place.
 */
export async function createSnapshotter(directory: string, names: Names): Promise<string[]> {
  await mkdir(dirname(directory), { recursive: true });
  await requireEmpty(directory);
  const ranges = await ownRanges();
  const written: string[] = [];
  for (const entry of await readdir(TEMPLATE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const file = join(entry.parentPath, RENAMED[entry.name] ?? entry.name).slice(TEMPLATE.length + 1);
    const to = join(directory, file);
    const text = filled(await readFile(from, 'utf8'), names);
    await mkdir(dirname(to), { recursive: true });
    const own = basename(file) === 'package.json' ? manifest(text, names, ranges) : text;
    // Of what came meanwhile, nothing is lost either.
    await writeFile(to, own, { flag: 'wx' });
    written.push(file);
  }
  return written.sort();
}

async function requireEmpty(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (e) {
    if (errnoOf(e) !== 'EEXIST') throw e;
    const found = await readdir(directory).catch(() => [basename(directory)]);
    if (found.length > 0) {
      throw new Fault(
        'failed_precondition',
        `${directory}: ${found[0]} is there; choose another name, or an empty directory`,
      );
    }
  }
}

function filled(text: string, { id, pascal }: Names): string {
  return text.replaceAll('my-snapshotter', id).replaceAll('MySnapshotter', pascal);
}

/** Code asks for its snapshotter by id, npm for the package by name. */
function manifest(text: string, { npm }: Names, ranges: Ranges): string {
  const own = { ...(JSON.parse(text) as Manifest), name: npm };
  const current = (wanted: Ranges = {}): Ranges =>
    Object.fromEntries(Object.entries(wanted).map(([name, range]) => [name, ranges[name] ?? range]));
  const { dependencies, devDependencies } = own;
  const whole = {
    ...own,
    dependencies: current(dependencies),
    devDependencies: current(devDependencies),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/** Versions that were released together with this one. */
async function ownRanges(): Promise<Ranges> {
  const text = await readFile(join(import.meta.dirname, '../package.json'), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(text) as Manifest;
  return { ...dependencies, ...devDependencies };
}
