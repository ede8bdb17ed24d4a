import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands before a server on loopback, counts what goes up, and stops in the middle until it is opened. */
export interface UploadFront extends AsyncDisposable {
  readonly host: string;
  /** Bytes that went up, in all. */
  upBytes(): number;
  /** From now on all is passed on. */
  open(): void;
}

/** @param holdAfterBytes - How much of one connection goes up before that stops. Default: all. */
export async function startUploadFront(
  host: string,
  holdAfterBytes = Number.POSITIVE_INFINITY,
): Promise<UploadFront> {
  const [address = '', port = ''] = host.split(':');
  let total = 0;
  let isOpen = false;
  const held = new Set<Socket>();
  const all = new Set<Socket>();
  const server = createServer((below) => {
    const above = connect({ host: address, port: Number(port) });
    let up = 0;
    below.on('data', (chunk) => {
      up += chunk.byteLength;
      total += chunk.byteLength;
      const isFull = !above.write(chunk);
      if (!isOpen && up > holdAfterBytes) {
        held.add(below);
        below.pause();
      } else if (isFull) {
        below.pause();
        above.once('drain', () => {
          if (!held.has(below)) below.resume();
        });
      }
    });
    above.on('data', (chunk) => below.write(chunk));
    for (const [socket, other] of [
      [below, above],
      [above, below],
    ] as const) {
      all.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        all.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    upBytes: () => total,
    open() {
      isOpen = true;
      for (const socket of held) socket.resume();
      held.clear();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of all) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
