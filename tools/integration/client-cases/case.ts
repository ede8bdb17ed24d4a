import type { Client } from '@stowage/client';

/** What not every server has. A case that needs what one lacks is to end there in a Fault `unimplemented`. */
export type Ability =
  /** Records and controllers of sandboxes. */
  | 'sandboxes'
  /** Transfers by the server itself, and streams for them. */
  | 'transfers'
  /** Mounts that take more than the kernel. */
  | 'mounts'
  /** What of Stowage no containerd has: operations, events of the past, verified blobs. */
  | 'stowage'
  /** Plugins that come and go while it runs: of stowaged. */
  | 'plugins';

/** A server that the cases are put to, with the demo image in its namespace. */
export interface Server {
  readonly name: string;
  readonly lacks: ReadonlySet<Ability>;
  /** A folder of its own. */
  readonly dir: string;
  /** Where FIFOs are made; empty between cases. */
  readonly fifoDir: string;
  readonly archive: string;
  /** Of a registry on loopback that has the demo image as `demo:1`, and another as `large:1`. */
  readonly registry: string;
  readonly namespace: string;
  /** To be disposed. */
  client(namespace?: string): Client;
}

export interface ClientCase {
  readonly name: string;
  readonly needs?: Ability | undefined;
  run(client: Client, server: Server): Promise<void>;
}

/** The image that is there, and unpacked, before each case. */
export const IMAGE = 'example.org/demo:1';
