import { type CallOptions, type Descriptor, type Digest, Fault } from '@stowage/core';
import { isForeign, kindOf } from './media-types.ts';
import { type ContentReader, childrenOf } from './read.ts';
import { nameOf } from './write-json.ts';

/** Most indexes and manifests of one image, as for pulls. */
const MAX_DOCUMENTS = 1000;

/** Most blobs of one image. */
const MAX_BLOBS = 10_000;

/** Indexes within indexes. */
const MAX_DEPTH = 8;

/** What belongs to an image or to a part of one. */
export interface Walked {
  /** Configs, layers and what else is no document, each once. */
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  /** Indexes and manifests, each once and after what it points at. */
  readonly documents: ReadonlyMap<Digest, Descriptor>;
}

export interface WalkOptions extends CallOptions {
  /** What it is walked for, as failures say. Default: `push`. */
  readonly purpose?: string | undefined;
  /** Which children of an index belong. Default: all. */
  readonly wants?: ((child: Descriptor) => boolean) | undefined;
  /** Told what an index or a manifest points at, the wanted and the others, as it is read. */
  readonly onChildren?: ((parent: Descriptor, children: readonly Descriptor[]) => void) | undefined;
}

/** Walks what an image is made of, all of which must be in the store. */
export class ImageWalk {
  readonly #content: ContentReader;
  readonly #root: Descriptor;
  readonly #options: WalkOptions;
  readonly #blobs = new Map<Digest, Descriptor>();
  readonly #documents = new Map<Digest, Descriptor>();
  #read = 0;

  constructor(content: ContentReader, root: Descriptor, options: WalkOptions = {}) {
    this.#content = content;
    this.#root = root;
    this.#options = options;
  }

  get walked(): Walked {
    return { blobs: this.#blobs, documents: this.#documents };
  }

  /**
   * Adds a part, with all below it, or nothing of it.
   *
   * @throws Fault `not_found` if something of it is not in the store; `resource_exhausted` for what is too wide or deep;
   *   `invalid_argument` for what is malformed.
   */
  async add(part: Descriptor): Promise<void> {
    const [blobs, documents] = [new Map<Digest, Descriptor>(), new Map<Digest, Descriptor>()];
    await this.#visit(part, 0, blobs, documents);
    for (const [digest, blob] of blobs) this.#blobs.set(digest, blob);
    for (const [digest, document] of documents) this.#documents.set(digest, document);
  }

  async #visit(
    descriptor: Descriptor,
    depth: number,
    blobs: Map<Digest, Descriptor>,
    documents: Map<Digest, Descriptor>,
  ): Promise<void> {
    const { digest, mediaType } = descriptor;
    const kind = kindOf(mediaType);
    if (kind !== 'index' && kind !== 'manifest') {
      if (isForeign(mediaType) || this.#blobs.has(digest) || blobs.has(digest)) return;
      if (this.#blobs.size + blobs.size >= MAX_BLOBS) throw this.#tooMuch(`more than ${MAX_BLOBS} blobs`);
      await this.#present(this.#content.info(digest, this.#options), descriptor);
      blobs.set(digest, descriptor);
      return;
    }
    if (this.#documents.has(digest) || documents.has(digest)) return;
    if (++this.#read > MAX_DOCUMENTS) throw this.#tooMuch(`more than ${MAX_DOCUMENTS} indexes and manifests`);
    if (depth > MAX_DEPTH) throw this.#tooMuch(`indexes more than ${MAX_DEPTH} deep`);
    const children = await this.#present(childrenOf(this.#content, descriptor, this.#options), descriptor);
    const { wants = () => true, onChildren } = this.#options;
    onChildren?.(descriptor, children);
    const wanted = kind === 'index' ? children.filter(wants) : children;
    for (const child of wanted) await this.#visit(child, depth + 1, blobs, documents);
    // After its children: the order in which registries take them.
    documents.set(digest, descriptor);
  }

  async #present<T>(reading: Promise<T>, descriptor: Descriptor): Promise<T> {
    try {
      return await reading;
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
      throw new Fault('not_found', `${this.#about}: ${nameOf(descriptor)} is missing`, {
        cause: e,
      });
    }
  }

  get #about(): string {
    return `${this.#options.purpose ?? 'push'} ${this.#root.digest}`;
  }

  #tooMuch(what: string): Fault {
    return new Fault('resource_exhausted', `${this.#about}: ${what}; this is no image to be used`);
  }
}
