import type { WorldDump } from '../model/world.ts';

/** To the process of the clients. */
export type ToLoad =
  | {
      readonly t: 'start';
      readonly address: string;
      readonly seed: number;
      readonly round: number;
      readonly clients: number;
      readonly unsynced: boolean;
      readonly firstOperation: number;
      readonly world: WorldDump;
    }
  | { readonly t: 'stop' };

/** From it: a first operation was acknowledged; all its clients have ended. */
export type FromLoad = { readonly t: 'started' } | { readonly t: 'stopped'; readonly error?: string };
