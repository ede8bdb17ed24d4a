import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { must } from '@stowage/testing';

/** A Node by its major version, and where its program is. */
export interface NodeVersion {
  readonly major: number;
  readonly version: string;
  readonly program: string;
}

/** The newest Node of an older line that npm has, in `dir`. */
export async function newestNode(dir: string, major: number): Promise<NodeVersion> {
  const name = `node-${process.platform}-${process.arch}`;
  await mkdir(dir, { recursive: true });
  const flags = [
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefix',
    dir,
  ];
  await must('npm', ['install', ...flags, `${name}@${major}`], { timeoutMs: 600_000 });
  return of(major, join(dir, 'node_modules', name, 'bin/node'));
}

/** The one that the checkout pins, which runs this. */
export async function pinnedNode(): Promise<NodeVersion> {
  return of(Number.parseInt(process.versions.node, 10), process.execPath);
}

async function of(major: number, program: string): Promise<NodeVersion> {
  const version = (await must(program, ['--version'])).trim();
  if (!version.startsWith(`v${major}.`)) throw new Error(`${program} is Node ${version}, not ${major}`);
  return { major, version, program };
}

/** An environment in which `node`, and so npm, is this one. */
export function withNode({ program }: NodeVersion): Readonly<Record<string, string>> {
  return { PATH: `${dirname(program)}:${process.env.PATH ?? ''}` };
}
