import { useEffect, useState } from 'preact/hooks';
import type { Usage } from './messages.ts';
import { call } from './rpc.ts';

/** What a container used lately, oldest first. */
export interface History {
  readonly last: Usage;
  /** Of one processor: 2 are two of them. */
  readonly cpus: readonly number[];
  readonly memoryBytes: readonly number[];
}

const PERIOD_MS = 1000;
const MOST = 60;

/** Watches what containers use, second by second, while somebody looks. */
export function useUsage(namespace: string, isVisible: boolean): ReadonlyMap<string, History> {
  const [histories, setHistories] = useState<ReadonlyMap<string, History>>(new Map());
  useEffect(() => setHistories(new Map()), [namespace]);
  useEffect(() => {
    if (!isVisible) return undefined;
    const left = new AbortController();
    const { signal } = left;
    const ask = async () => {
      try {
        const { usage } = await call<{ usage: Usage[] }>('host/Usage', {}, { namespace, signal });
        setHistories((before) => new Map(usage.map((one) => [one.id, longer(before.get(one.id), one)])));
      } catch {
        // Whether the daemon answers is told by what listens to its events.
      }
      if (!signal.aborted) timer = setTimeout(() => void ask(), PERIOD_MS);
    };
    let timer = setTimeout(() => void ask(), 0);
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [namespace, isVisible]);
  return histories;
}

function longer(before: History | undefined, now: Usage): History {
  const memoryBytes = [...(before?.memoryBytes ?? []), Number(now.memoryBytes)].slice(-MOST);
  if (before === undefined) return { last: now, cpus: [], memoryBytes };
  const wallNs = (now.atMs - before.last.atMs) * 1e6;
  const usedNs = Number(BigInt(now.cpuNs) - BigInt(before.last.cpuNs));
  // One that was started again begins at nothing.
  const cpus = wallNs > 0 && usedNs >= 0 ? [...before.cpus, usedNs / wallNs].slice(-MOST) : before.cpus;
  return { last: now, cpus, memoryBytes };
}
