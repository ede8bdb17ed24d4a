import { useEffect, useRef, useState } from 'preact/hooks';
import { type FeedState, follow } from './follow.ts';
import type { Operation, Position } from './messages.ts';

export interface OperationsFeed {
  readonly state: FeedState;
  /** Those that run first, then the latest. */
  readonly operations: readonly Operation[];
}

interface Change {
  readonly gap?: object;
  readonly changed?: { readonly position?: Position; readonly operation?: Operation };
}

const MOST = 100;
const NONE: OperationsFeed = { state: 'connecting', operations: [] };

/** What is going on in a namespace, and of all namespaces. */
export function useOperations(namespace: string, isVisible: boolean): OperationsFeed {
  const [feed, setFeed] = useState(NONE);
  const after = useRef<Position | undefined>(undefined);
  useEffect(() => {
    after.current = undefined;
    setFeed(NONE);
  }, [namespace]);
  useEffect(() => {
    if (!isVisible) return undefined;
    const left = new AbortController();
    const onState = (state: FeedState) =>
      setFeed((before) => (before.state === state ? before : { ...before, state }));
    const onMessage = ({ gap, changed }: Change) => {
      if (gap !== undefined) setFeed((before) => ({ ...before, operations: [] }));
      if (changed?.position !== undefined) after.current = changed.position;
      const { operation } = changed ?? {};
      if (operation !== undefined)
        setFeed((before) => ({ ...before, operations: merged(before.operations, operation) }));
    };
    const input = () => (after.current === undefined ? {} : { after: after.current });
    const options = { namespace, signal: left.signal };
    void follow<Change>('stowage.operations.v1.Operations/Subscribe', input, { onMessage, onState }, options);
    return () => left.abort();
  }, [namespace, isVisible]);
  return feed;
}

export const isRunning = ({ state }: Operation): boolean => state === 'STATE_RUNNING';

function merged(before: readonly Operation[], changed: Operation): Operation[] {
  const all = [changed, ...before.filter(({ id }) => id !== changed.id)];
  const rank = (one: Operation) => Number(isRunning(one));
  all.sort((a, b) => rank(b) - rank(a) || Date.parse(b.startedAt ?? '') - Date.parse(a.startedAt ?? ''));
  return all.slice(0, MOST);
}
