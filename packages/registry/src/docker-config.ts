import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';

/** The parts of Docker's `config.json` that are about credentials; all else in it is somebody else's. */
export interface DockerConfig {
  readonly auths: ReadonlyMap<string, AuthEntry>;
  /** The helper for all that {@link credHelpers} has none for. */
  readonly credsStore: string | undefined;
  readonly credHelpers: ReadonlyMap<string, string>;
}

/** One of `auths`. Each may be absent. */
export interface AuthEntry {
  /** `user:password` in base64. */
  readonly auth: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly identityToken: string | undefined;
  readonly registryToken: string | undefined;
}

const MAX_BYTES = 1024 * 1024;

/** Where Docker keeps its config: `DOCKER_CONFIG`, or `.docker` at home. */
export function dockerConfigDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return env.DOCKER_CONFIG || join(homedir(), '.docker');
}

/** @returns none if there is no such file. @throws Fault `resource_exhausted` if it is far too large. */
export async function readConfigText(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, 'r');
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let size = 0;
    for (let read = 1; read > 0 && size < buffer.byteLength; size += read)
      ({ bytesRead: read } = await handle.read(buffer, size));
    if (size > MAX_BYTES)
      throw new Fault('resource_exhausted', `${file}: it is more than ${MAX_BYTES} bytes`);
    return buffer.toString('utf8', 0, size);
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw e;
  }
}

/** @throws Fault `invalid_argument` naming the file and the key, and nothing that is in it. */
export function parseConfig(file: string, text: string | undefined): DockerConfig {
  const top = text === undefined || text.trim() === '' ? {} : parseTop(file, text);
  const auths = new Map<string, AuthEntry>();
  for (const [key, value] of Object.entries(table(file, 'auths', top.auths)))
    auths.set(key, authEntry(file, `auths of ${key}`, value));
  const credHelpers = new Map<string, string>();
  for (const [key, value] of Object.entries(table(file, 'credHelpers', top.credHelpers))) {
    const helper = textOf(file, `credHelpers of ${key}`, value);
    if (helper !== undefined) credHelpers.set(key, helper);
  }
  return { auths, credHelpers, credsStore: textOf(file, 'credsStore', top.credsStore) };
}

function parseTop(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return table(file, 'its content', JSON.parse(text));
  } catch (e) {
    if (Fault.is(e)) throw e;
    // The parser's own message quotes what it was given.
    throw new Fault('invalid_argument', `${file}: it is no JSON`);
  }
}

function authEntry(file: string, key: string, value: unknown): AuthEntry {
  const entry = table(file, key, value);
  const text = (name: string) => textOf(file, `${name} in ${key}`, entry[name]);
  return {
    auth: text('auth'),
    username: text('username'),
    password: text('password'),
    identityToken: text('identitytoken'),
    registryToken: text('registrytoken'),
  };
}

function table(file: string, key: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw new Fault('invalid_argument', `${file}: ${key} must be an object`);
}

/** Empty is as good as absent, as Docker writes it. */
function textOf(file: string, key: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new Fault('invalid_argument', `${file}: ${key} must be text`);
}
