import { readFile, readlink } from 'node:fs/promises';

export interface NetworkUsage {
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

/** What went through the interfaces of a process's own network; undefined if it shares ours, or can't be seen here. */
export async function networkUsage(pid: number): Promise<NetworkUsage | undefined> {
  try {
    const [its, ours] = [await readlink(`/proc/${pid}/ns/net`), await readlink('/proc/self/ns/net')];
    return its === ours ? undefined : parseNetDev(await readFile(`/proc/${pid}/net/dev`, 'utf8'));
  } catch {
    // It has ended, or is of somebody else, or on another machine.
    return undefined;
  }
}

/** Sums `/proc/<pid>/net/dev`, without the loopback. */
export function parseNetDev(text: string): NetworkUsage {
  let [receivedBytes, sentBytes] = [0n, 0n];
  for (const line of text.split('\n').slice(2)) {
    const [, name, counts = ''] = /^\s*([^:]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || name === 'lo') continue;
    const fields = counts.trim().split(/\s+/);
    receivedBytes += BigInt(fields[0] ?? 0);
    sentBytes += BigInt(fields[8] ?? 0);
  }
  return { receivedBytes, sentBytes };
}
