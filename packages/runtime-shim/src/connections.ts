import { ShimConnection } from './connection.ts';

/** One user's hold on a connection. Several containers of a pod may be served by one shim. */
export interface Lease extends AsyncDisposable {
  readonly connection: ShimConnection;
  /** Whether nobody else holds it. */
  readonly isLast: boolean;
}

interface Shared {
  readonly opening: Promise<ShimConnection>;
  users: number;
}

/** One connection for each address, open for as long as somebody holds it. */
export class ShimConnections implements AsyncDisposable {
  readonly #shared = new Map<string, Shared>();

  /** @throws Fault `unavailable` if nobody answers at the path. */
  async acquire(path: string): Promise<Lease> {
    const shared = this.#shared.get(path) ?? this.#open(path);
    shared.users++;
    let held = true;
    const release = async () => {
      if (!held) return;
      held = false;
      if (--shared.users > 0) return;
      this.#forget(path, shared);
      const connection = await shared.opening.catch(() => undefined);
      await connection?.[Symbol.asyncDispose]();
    };
    try {
      const connection = await shared.opening;
      return {
        connection,
        get isLast() {
          return shared.users === 1;
        },
        [Symbol.asyncDispose]: release,
      };
    } catch (e) {
      await release();
      throw e;
    }
  }

  #open(path: string): Shared {
    const shared: Shared = { opening: ShimConnection.open(path), users: 0 };
    this.#shared.set(path, shared);
    // The next shim at this address is another one.
    const forget = () => this.#forget(path, shared);
    shared.opening.then(({ gone }) => gone.then(forget), forget);
    return shared;
  }

  #forget(path: string, shared: Shared): void {
    if (this.#shared.get(path) === shared) this.#shared.delete(path);
  }

  /** Ends all, whoever holds them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#shared.values()];
    this.#shared.clear();
    for (const { opening } of all) {
      const connection = await opening.catch(() => undefined);
      await connection?.[Symbol.asyncDispose]();
    }
  }
}
