import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { Client } from '@stowage/client';
import type { Logger, Plugin } from '@stowage/core';
import { walkingDifferPlugin } from '@stowage/diff/plugin';
import { Engine, type EngineOptions, nameOf } from '@stowage/engine';
import { metadataPlugin } from '@stowage/metadata/plugin';
import { runcRuntimePlugin } from '@stowage/runtime-runc/plugin';
import manifest from '../package.json' with { type: 'json' };
import { takePlace } from './place.ts';
import { apiVersion, standardPlugins } from './standard-plugins.ts';

export interface EmbeddedOptions {
  /** What lasts: images, snapshots, metadata. One engine or daemon at a time has it. */
  readonly root: string;
  /** What goes at reboot: bundles, records of what runs. Default: a directory below /run, named after the root. */
  readonly state?: string | undefined;
  /** Default: all that stowaged is made of, {@link standardPlugins}. */
  readonly plugins?: readonly Plugin[] | undefined;
  /** Settings of plugins, by `type.id`, as tables of stowaged's config file. */
  readonly config?: EngineOptions['config'];
  /** Plugins that are left out, by `type.id`. */
  readonly disabled?: readonly string[] | undefined;
  /** Containers go on once it is disposed, and whoever opens the root next finds them. Default: they end with it. */
  readonly keepContainers?: boolean | undefined;
  /** Default: nothing is logged. */
  readonly log?: Logger | undefined;
  /** Gives opening up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Images and containers inside this program, with no daemon and no socket.
 *
 * Nothing of the program is changed: no signal handlers, umask, working directory, environment or subreaper. Layers are
 * unpacked, and containers supervised, by child processes. Should the program die without disposing this, containers go
 * on until the root is opened again.
 */
export class Embedded implements AsyncDisposable {
  /** The plugins, and what they give. */
  readonly engine: Engine;
  readonly #place: Disposable;

  private constructor(engine: Engine, place: Disposable) {
    this.engine = engine;
    this.#place = place;
  }

  /**
   * Takes a root, and starts everything on it. Takes some 200 ms, and root's rights for all that mounts or runs.
   *
   * @throws Fault `failed_precondition` if another engine or daemon has the root; `invalid_argument` for a bad setting.
   */
  static async open(options: EmbeddedOptions): Promise<Embedded> {
    const root = resolve(options.root);
    const { state = defaultState(root), config = {}, keepContainers = false, ...more } = options;
    const { version } = manifest;
    const { plugins = standardPlugins({ version: apiVersion(version), revision: version }) } = options;
    const isThere = (plugin: Plugin) => plugins.some((one) => nameOf(one) === nameOf(plugin));
    const ours = {
      [nameOf(walkingDifferPlugin)]: { place: 'process' },
      [nameOf(runcRuntimePlugin)]: { lifetime: keepContainers ? 'needed' : 'owned' },
    };
    const tables = Object.entries(ours).map(([name, table]) => [name, { ...table, ...config[name] }]);
    // Without what it remembers it would look as if it had lost everything.
    const isNeeded = isThere(metadataPlugin) && options.disabled?.includes(nameOf(metadataPlugin)) !== true;
    const place = await takePlace({ root, state }, 'an embedded engine');
    try {
      const engine = await Engine.open({
        ...more,
        ...{ root, state, plugins },
        config: { ...config, ...Object.fromEntries(tables) },
        required: isNeeded ? [nameOf(metadataPlugin)] : [],
      });
      return new Embedded(engine, place);
    } catch (e) {
      place[Symbol.dispose]();
      throw e;
    }
  }

  /** A client of one namespace. It need not be disposed, and must not be used once this is. */
  client(namespace = 'default'): Client {
    return new Client(this.engine.transport, { namespace });
  }

  /** Ends containers, unless they are to be kept, stops all plugins, and lets go of the root. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.engine[Symbol.asyncDispose]();
    } finally {
      this.#place[Symbol.dispose]();
    }
  }
}

function defaultState(root: string): string {
  return `/run/stowage-embedded/${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
}
