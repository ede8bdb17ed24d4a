import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands before a server on loopback and cuts connections once so many bytes went up, as often as told. */
export interface CuttingFront extends AsyncDisposable {
  readonly host: string;
  /** Bytes that went up in all. */
  upBytes(): number;
  /** Connections that were cut. */
  cuts(): number;
}

/** @param afterBytes - For each cut, how many bytes of one connection go up before it. */
export async function cuttingFront(host: string, afterBytes: readonly number[]): Promise<CuttingFront> {
  const [address = '', port = ''] = host.split(':');
  const left = [...afterBytes];
  let [total, cuts] = [0, 0];
  const open = new Set<Socket>();
  const server = createServer((below) => {
    open.add(below);
    const above = connect({ host: address, port: Number(port) });
    let up = 0;
    below.on('data', (chunk) => {
      up += chunk.byteLength;
      total += chunk.byteLength;
      const [limit] = left;
      if (limit !== undefined && up > limit) {
        left.shift();
        cuts++;
        // What the registry has got by then it may keep: a clean end above, a broken one below.
        above.end();
        below.resetAndDestroy();
      } else if (!above.write(chunk)) {
        below.pause();
        above.once('drain', () => below.resume());
      }
    });
    above.on('data', (chunk) => below.write(chunk));
    above.on('close', () => below.destroy());
    below.on('close', () => {
      open.delete(below);
      above.end();
    });
    for (const socket of [above, below]) socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    upBytes: () => total,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
