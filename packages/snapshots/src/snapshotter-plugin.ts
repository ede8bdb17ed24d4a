import { Fault, noConfig, type Plugin, plugin, quote, type StartContext } from '@stowage/core';
import { type Snapshotter, snapshotterSlot } from './snapshotter.ts';

/**
 * What clients may ask of a snapshotter besides what all do. They find it in the daemon's list of plugins.
 *
 * `rebase`: a parent can be given at commit, so layers can be unpacked at the same time. `remap-ids`: the labels
 * `containerd.io/snapshot/uidmapping` and `gidmapping` shift owners. Others are between you and your clients.
 */
export type SnapshotterCapability = 'rebase' | 'remap-ids' | (string & {});

/** {@link StartContext} without what is given for it. */
export type OpenContext<C> = Omit<StartContext<C>, 'root' | 'needs'>;

export interface SnapshotterPluginOptions<C> {
  /** The name by which clients ask for it (`ctr run --snapshotter <id>`). */
  readonly id: string;
  /**
   * Opens it at a directory that is its own: `<root>/io.containerd.snapshotter.v1.<id>`, or `root_path` of its table in
   * the config file. It is not made yet. The daemon disposes what this gives, if it can be disposed.
   *
   * @throws Skip if it can't work on this machine; anything else counts as broken.
   */
  readonly open: (
    root: string,
    context: OpenContext<C>,
  ) => Promise<Snapshotter & Partial<AsyncDisposable>> | (Snapshotter & Partial<AsyncDisposable>);
  /**
   * Reads the other keys of its table, `[plugins.'io.containerd.snapshotter.v1.<id>']`. Left out, there are none.
   *
   * @throws Fault `invalid_argument` naming the key, for one that is unknown too.
   */
  readonly config?: ((table: Readonly<Record<string, unknown>>) => C) | undefined;
  /** Those other keys at their defaults, as a printed config file shows them. */
  readonly defaults?: Readonly<Record<string, unknown>> | undefined;
  /** Left out: every platform. */
  readonly platforms?: Plugin['platforms'];
  /** What it can do on every machine; what depends on the machine, `open` may add to those it is given. */
  readonly capabilities?: readonly SnapshotterCapability[] | undefined;
}

/**
 * A snapshotter as a plugin of the daemon or an engine. A package exports it in a list, `plugins`, for the daemon to load
 * it by the package's name:
 *
 *     export const plugins = [snapshotterPlugin({ id: 'mine', open: (root) => MySnapshotter.open(root) })];
 */
export function snapshotterPlugin<C = Record<string, never>>(options: SnapshotterPluginOptions<C>): Plugin {
  const { id, open, platforms = [], capabilities = [], defaults = {} } = options;
  const parse = options.config ?? (noConfig as unknown as (table: Readonly<Record<string, unknown>>) => C);
  return plugin({
    slot: snapshotterSlot,
    id,
    platforms,
    capabilities,
    defaults: { root_path: '', ...defaults },
    config: ({ root_path: path = '', ...others }: Readonly<Record<string, unknown>>) => ({
      rootPath: rootPath(path),
      own: parse(others),
    }),
    start({ root, config: { rootPath: at = root, own }, ...context }) {
      context.exports.set('root', at);
      return open(at, { ...context, config: own });
    },
  });
}

function rootPath(path: unknown): string | undefined {
  if (path === '') return undefined;
  if (typeof path === 'string' && path.startsWith('/')) return path;
  throw new Fault('invalid_argument', `${quote('root_path')}: expected an absolute path`);
}
