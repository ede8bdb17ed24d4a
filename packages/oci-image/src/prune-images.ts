import { type CallOptions, isDigest, LABEL, type Labels, unlessGone } from '@stowage/core';
import type { Image, ImageStore } from '@stowage/images';

/** As much of a container as tells which images it needs. */
export interface ImageUser {
  /** Name of the image it was made from; may be empty. */
  readonly image: string;
  readonly labels: Labels;
}

export interface PruneOptions extends CallOptions {
  readonly images: Pick<ImageStore, 'list' | 'delete'>;
  /** All of the namespace, asked for after the images, so that none is missed whose image was seen. */
  readonly containers: () => AsyncIterable<ImageUser>;
  /**
   * `dangling`: those named by their digest alone, unless an image with a tag has the same content. `unused`: all that no container needs.
   */
  readonly which: 'dangling' | 'unused';
  /** Of these only, as of `ImageStore.list`. Default: of all. */
  readonly filters?: readonly string[] | undefined;
  /** Only tells what would go. */
  readonly dryRun?: boolean | undefined;
  /** Ends only after a garbage collection has freed what the images held. */
  readonly sync?: boolean | undefined;
}

/** Kubernetes keeps such images, whatever it needs them for (containerd internal/cri/labels). */
const PINNED = 'io.cri-containerd.pinned';

/**
 * Removes images that nothing needs, and tells which. Kept are those that a container was made from, by this or another
 * name of the same content; that a container or an image that stays names by `containerd.io/gc.ref.image` or
 * `containerd.io/gc.ref.content`; and that Kubernetes pinned. An image that was moved meanwhile stays.
 *
 * A container made in the same moment keeps its snapshot, but may lose its image: as with `rmi`.
 *
 * @throws Fault `invalid_argument` for a filter that can't be parsed.
 */
export async function* pruneImages(options: PruneOptions): AsyncGenerator<Image> {
  const { images, containers, which, filters = [], dryRun = false, sync = false, signal } = options;
  const all = await Array.fromAsync(images.list([], { signal }));
  const chosen =
    filters.length === 0
      ? undefined
      : new Set((await Array.fromAsync(images.list(filters, { signal }))).map(({ name }) => name));
  const stays = await needed(all, containers(), which);
  const goes = all.filter(({ name }) => !stays.has(name) && (chosen?.has(name) ?? true));
  for (const [i, image] of goes.entries()) {
    const { name, target } = image;
    const isLast = i === goes.length - 1;
    if (!dryRun) {
      const deleting = images.delete(name, { target, sync: sync && isLast, signal });
      // Removed or moved by somebody else.
      if ((await unlessGone(deleting.then(() => true))) === undefined) continue;
    }
    yield image;
  }
}

/** Names of the images that stay. */
async function needed(
  all: readonly Image[],
  containers: AsyncIterable<ImageUser>,
  which: PruneOptions['which'],
): Promise<ReadonlySet<string>> {
  const byName = new Map(all.map((image) => [image.name, image]));
  const byDigest = Map.groupBy(all, ({ target }) => target.digest as string);
  const stays = new Set<string>();
  const todo: Image[] = [];
  const keep = (image: Image | undefined) => {
    if (image === undefined) return;
    for (const same of byDigest.get(image.target.digest) ?? []) {
      if (stays.has(same.name)) continue;
      stays.add(same.name);
      todo.push(same);
    }
  };
  const follow = (labels: Labels) => {
    for (const name of named(labels, LABEL.gcRefImage)) keep(byName.get(name));
    for (const digest of named(labels, LABEL.gcRefContent)) keep(byDigest.get(digest)?.[0]);
  };
  for await (const { image, labels } of containers) {
    keep(byName.get(image));
    follow(labels);
  }
  for (const image of all)
    if (image.labels[PINNED] === 'pinned' || (which === 'dangling' && hasTag(image.name))) keep(image);
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) follow(next.labels);
  return stays;
}

/** What labels of a kind name: `<kind>`, `<kind>.x` and `<kind>/x`. */
function named(labels: Labels, kind: string): string[] {
  return Object.entries(labels).flatMap(([key, value]) =>
    key === kind || key.startsWith(`${kind}.`) || key.startsWith(`${kind}/`) ? [value] : [],
  );
}

/** `host/repository@digest` and `sha256:…`, which Kubernetes gives, have none; all that somebody made up counts as one. */
function hasTag(name: string): boolean {
  const [path = '', ...digests] = name.split('@');
  return digests.length === 0 ? !isDigest(path) : /:[^/:]+$/.test(path);
}
