import { readFile, rename } from 'node:fs/promises';
import { errnoOf, Fault, type Logger, reasonOf } from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';
import type { ProxyPluginConfig } from '../config/daemon-config.ts';
import { proxyPluginConfigs } from '../config/proxy-plugin.ts';
import { TableReader } from '../config/reader.ts';

export type AddedConfigs = ReadonlyMap<string, ProxyPluginConfig>;

const VERSION = 1;
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * The proxy plugins that were added while the daemon ran, on disk. A crash leaves the file as it was before a change or
 * after it.
 */
export class AddedFile {
  readonly #path: string;
  #configs: AddedConfigs;
  /** Why it must not be written. */
  readonly #refusal: Fault | undefined;

  private constructor(path: string, configs: AddedConfigs, refusal?: Fault) {
    this.#path = path;
    this.#configs = configs;
    this.#refusal = refusal;
  }

  /** For looking at a config, which nothing is added to. */
  static none(): AddedFile {
    return new AddedFile('', new Map(), new Fault('failed_precondition', 'no daemon runs here'));
  }

  /**
   * Reads the file, if it is there. One that can't be read is moved aside and logged as an error, and there are no
   * plugins then: that is better than no daemon, and what they keep is kept until they are added again.
   */
  static async read(path: string, log: Logger): Promise<AddedFile> {
    try {
      const text = await readFile(path, 'utf8');
      return new AddedFile(path, new Map(Object.entries(parsed(text, path))));
    } catch (e) {
      if (errnoOf(e) === 'ENOENT') return new AddedFile(path, new Map());
      return AddedFile.#without(path, e, log);
    }
  }

  get configs(): AddedConfigs {
    return this.#configs;
  }

  /**
   * Returns once it is on disk.
   *
   * @throws Fault `failed_precondition` if the file is one that must stay as it is; `resource_exhausted` if the disk is
   *   full, `unavailable` if it fails.
   */
  async write(configs: AddedConfigs): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      const table = { version: VERSION, proxy_plugins: Object.fromEntries(configs) };
      await replaceFile(this.#path, `${JSON.stringify(table, undefined, 2)}\n`);
    } catch (e) {
      const isFull = FULL.has(errnoOf(e) ?? '');
      const message = `write ${this.#path}: ${reasonOf(e)}`;
      throw new Fault(isFull ? 'resource_exhausted' : 'unavailable', message, { cause: e });
    }
    this.#configs = configs;
  }

  static async #without(path: string, e: unknown, log: Logger): Promise<AddedFile> {
    const fields = { err: e, file: path };
    const again = 'plugins that were added are not here; add them again';
    if (Fault.is(e, 'unimplemented')) {
      log.error(fields, `a newer stowaged wrote this file; ${again}, or go back to that one`);
      return new AddedFile(path, new Map(), new Fault('failed_precondition', reasonOf(e), { cause: e }));
    }
    const kept = `${path}.damaged-${Date.now()}`;
    try {
      await rename(path, kept);
      log.error({ ...fields, kept }, `this file can not be read and was moved aside; ${again}`);
      return new AddedFile(path, new Map());
    } catch (failure) {
      log.error(fields, `this file can not be read; ${again} once it was moved away`);
      const message = `${path} can not be read, nor moved aside: ${reasonOf(failure)}`;
      return new AddedFile(path, new Map(), new Fault('failed_precondition', message, { cause: e }));
    }
  }
}

/** @throws Fault `unimplemented` for a later form; otherwise what is wrong with it. */
function parsed(text: string, path: string): Record<string, ProxyPluginConfig> {
  const top = new TableReader(JSON.parse(text) as Record<string, unknown>, path);
  const version = top.integer('version');
  if (version === undefined) throw top.fault('version', 'is missing');
  if (version > VERSION)
    throw new Fault('unimplemented', `${path} is of version ${version}, which is newer than this stowaged`);
  const table = top.table('proxy_plugins');
  if (table === undefined) throw top.fault('proxy_plugins', 'is missing');
  top.end('version, proxy_plugins');
  return proxyPluginConfigs(table, path);
}
