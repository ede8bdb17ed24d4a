import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault, quote } from '@stowage/core';

/** What a supervisor itself must know of a container's spec. */
export interface BundleSpec {
  /** sha256 of config.json. */
  readonly digest: string;
  /** The container gets a pid namespace of its own. */
  readonly ownPids: boolean;
  /** Below the mount of each hierarchy; undefined where the runtime chooses. */
  readonly cgroupsPath: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Linux {
  readonly cgroupsPath?: string;
  readonly namespaces?: readonly { readonly type?: string; readonly path?: string }[];
}

interface Spec {
  readonly linux?: Linux;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @throws Fault `invalid_argument` if the bundle holds no spec. */
export async function readBundleSpec(bundle: string): Promise<BundleSpec> {
  const path = join(bundle, 'config.json');
  try {
    const bytes = await readFile(path);
    const { linux, annotations = {} } = JSON.parse(bytes.toString('utf8')) as Spec;
    return {
      digest: createHash('sha256').update(bytes).digest('hex'),
      annotations,
      cgroupsPath: linux?.cgroupsPath || undefined,
      ownPids: linux?.namespaces?.some(({ type, path = '' }) => type === 'pid' && path === '') ?? false,
    };
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') {
      throw new Fault('invalid_argument', `bundle ${quote(bundle)}: has no config.json`, { cause: e });
    }
    if ((e as Error).name !== 'SyntaxError') throw e;
    throw new Fault('invalid_argument', `${quote(path)}: is no JSON: ${(e as Error).message}`, { cause: e });
  }
}
