import type { Transport } from '@connectrpc/connect';
import type { Embedded } from '@stowage/embedded';

/**
 * Reaches an engine inside this process, which starts with the first call. Containers that run when it is disposed go
 * on.
 */
export class EmbeddedTransport implements Transport, AsyncDisposable {
  readonly #root: string;
  #engine: Promise<Embedded> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  readonly unary: Transport['unary'] = async (...call) => (await this.#opened()).unary(...call);

  readonly stream: Transport['stream'] = async (...call) => (await this.#opened()).stream(...call);

  async #opened(): Promise<Transport> {
    this.#engine ??= openEngine(this.#root);
    return (await this.#engine).engine.transport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.[Symbol.asyncDispose]();
  }
}

async function openEngine(root: string): Promise<Embedded> {
  const { Embedded } = await import('@stowage/embedded');
  return Embedded.open({ root, keepContainers: true });
}
