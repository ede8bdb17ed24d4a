import { type CgroupPaths, readOomKills, watchOom } from '@stowage/linux/cgroup';
import type { Poller } from '@stowage/linux/poller';

/** How many the kernel had killed for want of memory: before the container, and when somebody last counted. */
export interface OomCount {
  readonly before: bigint;
  readonly counted: bigint;
}

/**
 * Has it told that a container runs out of memory: by the kernel's notice, and where none came, by its count. None comes
 * where it is the machine that runs out, or while no supervisor is there.
 */
export class MemoryWatch implements Disposable {
  readonly #cgroup: CgroupPaths;
  readonly #tell: () => Promise<void>;
  readonly #watch: Disposable | undefined;
  #count: Promise<OomCount | undefined>;
  /** Since it was last counted. */
  #told = false;

  /** @param count - of an earlier supervisor. */
  constructor(cgroup: CgroupPaths, poller: Poller, tell: () => Promise<void>, count?: OomCount) {
    this.#cgroup = cgroup;
    this.#tell = tell;
    this.#count = count === undefined ? first(cgroup) : Promise.resolve(count);
    this.#watch = watchOom(cgroup, poller, () => {
      this.#told = true;
      void tell();
    });
  }

  /**
   * Counts, and tells if there are more than were told of. Call it before the cgroup goes.
   *
   * @returns whether the kernel has killed in this container.
   */
  async count(): Promise<boolean> {
    const last = this.#count;
    this.#count = this.#next(last);
    const now = await this.#count;
    return now !== undefined && now.counted > now.before;
  }

  /** What another supervisor must know. */
  last(): Promise<OomCount | undefined> {
    return this.#count;
  }

  async #next(counting: Promise<OomCount | undefined>): Promise<OomCount | undefined> {
    const last = await counting;
    const counted = await readOomKills(this.#cgroup);
    if (last === undefined || counted === undefined || counted <= last.counted) return last;
    if (!this.#told) await this.#tell();
    this.#told = false;
    return { before: last.before, counted };
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }
}

async function first(cgroup: CgroupPaths): Promise<OomCount | undefined> {
  const before = await readOomKills(cgroup);
  return before === undefined ? undefined : { before, counted: before };
}
