import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '@stowage/testing';
import type { NodeVersion } from './nodes.ts';
import { ROOT } from './packages.ts';

/** The first program that a README shows. */
export interface Example {
  readonly language: 'ts' | 'js';
  readonly text: string;
  /** What it prints, if that is told right after it. */
  readonly prints: string | undefined;
  /** What is to be installed for it, if that is told before it; else the package itself is all. */
  readonly installs: readonly string[];
}

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** Its types use `HeadersInit`, which is there with the types of a browser only. */
const NOT_OURS = 'node_modules/@connectrpc/';

/** @returns undefined if there is none. */
export async function exampleOf(place: string): Promise<Example | undefined> {
  const readme = await readFile(join(ROOT, place, 'README.md'), 'utf8');
  const found = /^```(ts|js)\n(.*?)^```$(?:[^`]*?\n```\n(.*?)^```$)?/ms.exec(readme);
  if (found === null) return undefined;
  const [, language, text = '', block] = found;
  const prints = block?.startsWith('$ ') ? undefined : block;
  const [, names = ''] =
    /^ *npm install (?:--\S+ )*(@stowage\/.*)$/m.exec(readme.slice(0, found.index)) ?? [];
  const installs = names.split(' ').filter((name) => name !== '');
  return { language: language === 'js' ? 'js' : 'ts', text, prints, installs };
}

/**
 * Makes a program of an example, in a folder where its packages are installed, as somebody who writes in TypeScript
 * would: it has to fit their types, which are looked at as strictly as can be. (Node 22 has no `await using`; the
 * compiler makes it.)
 *
 * @returns the program.
 * @throws Error with what the compiler said.
 */
export async function compile(dir: string, { language }: Example, text: string): Promise<string> {
  const options = {
    target: 'es2023',
    lib: ['es2024', 'esnext.disposable', 'esnext.array'],
    module: 'nodenext',
    strict: true,
    // Examples leave out types that are said where they come from.
    noImplicitAny: false,
    allowJs: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    rootDir: '.',
    outDir: 'made',
  };
  const name = `example.${language}`;
  await mkdir(join(dir, 'made'), { recursive: true });
  await writeFile(join(dir, name), text);
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: [name] }));
  const { stdout } = await run(process.execPath, [TSC, '-p', dir], { cwd: dir, timeoutMs: 120_000 });
  const errors = stdout.split('\n').filter((line) => line.includes('error TS') && !line.startsWith(NOT_OURS));
  if (errors.length > 0) throw new Error(`it does not fit its types:\n${errors.join('\n')}`);
  return join(dir, 'made/example.js');
}

/**
 * Runs a program to its end.
 *
 * @throws Error if it fails, or prints something else than what is told.
 */
export async function runExample(
  program: string,
  node: NodeVersion,
  prints: string | undefined,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const result = await run(node.program, [program], { cwd: join(program, '../..'), env, timeoutMs: 180_000 });
  const said = `${result.stdout}${result.stderr}`;
  if (result.code !== 0)
    throw new Error(`it ended with ${result.signal ?? result.code} on ${node.version}:\n${said}`);
  // Lines of what goes on at once come in any order.
  const lines = (text: string) => text.trimEnd().split('\n').sort().join('\n');
  if (prints !== undefined && lines(result.stdout) !== lines(prints))
    throw new Error(`it printed on ${node.version}, instead of what is told:\n${said}`);
}
