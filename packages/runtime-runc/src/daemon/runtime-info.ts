import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errnoOf, Fault, reasonOf, TYPE_URL } from '@stowage/core';
import type { RuntimeInfo } from '@stowage/runtime';

const run = promisify(execFile);
const TIMEOUT_MS = 5000;

/** What an OCI runtime says of itself. @throws Fault `not_found` if it is not installed. */
export async function runtimeInfo(name: string, binary: string): Promise<RuntimeInfo> {
  const [about, features] = await Promise.all([versionOf(binary), featuresOf(binary)]);
  const [first = '', ...rest] = about.split('\n');
  const revision = rest.find((line) => line.startsWith('commit:'))?.slice('commit:'.length) ?? '';
  return {
    name,
    version: first.replace(/^\S+ version /, '').trim(),
    revision: revision.trim(),
    annotations: {},
    features,
  };
}

async function versionOf(binary: string): Promise<string> {
  try {
    return (await run(binary, ['--version'], { timeout: TIMEOUT_MS })).stdout;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') {
      throw new Fault(
        'not_found',
        `${binary}: executable not found in PATH: install runc (apt install runc)`,
        {
          cause: e,
        },
      );
    }
    throw new Fault('unknown', `${binary} --version: ${reasonOf(e)}`, { cause: e });
  }
}

/** runc tells since 1.1, crun since 1.8.6; undefined from others. */
async function featuresOf(binary: string): Promise<RuntimeInfo['features']> {
  try {
    const { stdout } = await run(binary, ['features'], { timeout: TIMEOUT_MS });
    JSON.parse(stdout);
    return { typeUrl: TYPE_URL.features, value: new TextEncoder().encode(stdout) };
  } catch {
    return undefined;
  }
}
