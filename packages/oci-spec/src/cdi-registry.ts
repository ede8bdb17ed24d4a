import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, quote, reasonOf, unlessAbsent } from '@stowage/core';
import { CDI_DEVICE_NAME, type CdiEdits, type CdiFile, readCdiFile } from './cdi-file.ts';
import { readBounded } from './read-bounded.ts';

export interface CdiOptions {
  /** Where vendors' files are, those that win last. Default: `/etc/cdi` and `/var/run/cdi`. */
  readonly specDirs?: readonly string[] | undefined;
  /** Makes a value of YAML. Without it, files named `.yaml` or `.yml` cannot be read, which is said if it matters. */
  readonly parseYaml?: ((text: string) => unknown) | undefined;
}

/** A device that was asked for, with the file that describes it. */
export interface CdiDevice {
  readonly name: string;
  readonly file: CdiFile;
  readonly edits: CdiEdits;
}

const SPEC_DIRS = ['/etc/cdi', '/var/run/cdi'];
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_FILES = 1024;

/** @throws Fault `invalid_argument` unless it reads `vendor.com/class=name`. */
export function checkCdiName(name: string): void {
  const at = name.indexOf('=');
  const [kind, device] = [name.slice(0, at), name.slice(at + 1)];
  if (at > 0 && /^[A-Za-z][^/=]*\/[A-Za-z][^/=]*$/.test(kind) && CDI_DEVICE_NAME.test(device)) return;
  throw new Fault('invalid_argument', `CDI device ${quote(name)} must read vendor.com/class=name`);
}

/**
 * Finds the devices, each in the last directory that has it.
 *
 * @throws Fault `not_found`, naming the devices that no file has, and the files that could not be read; `conflict` if
 *   two files of one directory have the same.
 */
export async function findCdiDevices(names: readonly string[], options: CdiOptions): Promise<CdiDevice[]> {
  const { specDirs = SPEC_DIRS } = options;
  const found = new Map<string, CdiDevice>();
  const unread: string[] = [];
  for (const directory of specDirs) {
    const here = new Map<string, CdiDevice[]>();
    for (const path of await filesIn(directory)) {
      // A broken file of one vendor does not keep another's devices from being used.
      try {
        const file = readCdiFile(path, await parse(path, options));
        for (const [device, edits] of file.devices) {
          const name = `${file.kind}=${device}`;
          here.set(name, [...(here.get(name) ?? []), { name, file, edits }]);
        }
      } catch (e) {
        unread.push(reasonOf(e));
      }
    }
    for (const name of names) {
      const [first, second] = here.get(name) ?? [];
      if (first !== undefined && second !== undefined)
        throw new Fault(
          'conflict',
          `CDI device ${name}: ${first.file.path} and ${second.file.path} both have it`,
        );
      if (first !== undefined) found.set(name, first);
    }
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) {
    const where = `no file in ${specDirs.join(' or ')} has ${missing.length === 1 ? 'it' : 'them'}`;
    const why = unread.length === 0 ? '' : `; not read: ${unread.join('; ')}`;
    throw new Fault('not_found', `CDI device ${missing.join(', ')}: ${where}${why}`);
  }
  return names.flatMap((name) => found.get(name) ?? []);
}

async function filesIn(directory: string): Promise<string[]> {
  const names = (await unlessAbsent(readdir(directory))) ?? [];
  const files = names.filter((name) => /\.(json|yaml|yml)$/.test(name)).sort();
  if (files.length > MAX_FILES)
    throw new Fault(
      'resource_exhausted',
      `CDI files in ${directory}: ${files.length}, at most ${MAX_FILES} are read`,
    );
  return files.map((name) => join(directory, name));
}

async function parse(path: string, { parseYaml }: CdiOptions): Promise<unknown> {
  const json = path.endsWith('.json');
  if (!json && parseYaml === undefined)
    throw new Fault('failed_precondition', `CDI file ${path}: nothing here reads YAML`);
  const bytes = await readBounded(path, MAX_FILE_BYTES);
  if (bytes.byteLength > MAX_FILE_BYTES)
    throw new Fault('invalid_argument', `CDI file ${path}: longer than ${MAX_FILE_BYTES} bytes`);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  try {
    return json || parseYaml === undefined ? JSON.parse(text) : parseYaml(text);
  } catch (e) {
    throw new Fault('invalid_argument', `CDI file ${path}: ${reasonOf(e)}`, { cause: e });
  }
}
