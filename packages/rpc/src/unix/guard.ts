import type { Socket } from 'node:net';
import type { Logger } from '@stowage/core';

export interface GuardOptions {
  /** Tells who is at the other end (SO_PEERCRED). Without it the permissions of the socket file are the only guard. */
  readonly peer?: ((socket: Socket) => { readonly uid: number }) | undefined;
  /** Asked where `peer` is given. Root and the user of this process may, unless given. */
  readonly allow?: ((uid: number) => boolean) | undefined;
}

/** Whether a connection may be served. One that may not is closed and logged. */
export function peerGuard(options: GuardOptions, log: Logger): (socket: Socket) => boolean {
  const { peer } = options;
  const allow = options.allow ?? ((uid: number) => uid === 0 || uid === process.geteuid?.());
  return (socket) => {
    if (peer === undefined) return true;
    try {
      const { uid } = peer(socket);
      if (allow(uid)) return true;
      log.warn({ uid }, 'connection refused: this user may not speak to this socket');
    } catch (err) {
      log.warn({ err }, 'connection refused: cannot tell who it is from');
    }
    socket.on('error', () => {});
    socket.destroy();
    return false;
  };
}
