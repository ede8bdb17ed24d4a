import { useEffect, useRef, useState } from 'preact/hooks';
import { type FeedState, follow } from './follow.ts';
import type { Envelope, Position } from './messages.ts';

export interface HeardEvent {
  /** Counts what was heard. */
  readonly key: number;
  readonly envelope: Envelope;
}

export interface EventsFeed {
  readonly state: FeedState;
  /** The last ones, oldest first. */
  readonly events: readonly HeardEvent[];
  /** How many of a kind were heard: what is listed is asked for anew when it changes. */
  readonly count: Readonly<Record<string, number>>;
  /** Whether some were lost on the way. */
  readonly hasGap: boolean;
}

interface Notice {
  readonly position?: Position;
  readonly event?: Envelope;
  readonly gap?: object;
}

const MOST = 300;
const NONE: EventsFeed = { state: 'connecting', events: [], count: {}, hasGap: false };

/** What happens in a namespace, from the moment that the page is open; what happened while nobody looked follows. */
export function useEvents(namespace: string, isVisible: boolean): EventsFeed {
  const [feed, setFeed] = useState(NONE);
  const after = useRef<Position | undefined>(undefined);
  useEffect(() => {
    after.current = undefined;
    setFeed(NONE);
  }, [namespace]);
  useEffect(() => {
    if (!isVisible) return undefined;
    const left = new AbortController();
    const { signal } = left;
    // Of namespaces that come and go as well, as they can be chosen.
    const filters = [`namespace==${JSON.stringify(namespace)}`, 'topic~=|^/namespaces/|'];
    const onState = (state: FeedState) =>
      setFeed((before) => (before.state === state ? before : { ...before, state }));
    const onEvent = (envelope: Envelope) => setFeed((before) => withEvent(before, envelope));
    const onMessage = ({ position, event, gap }: Notice) => {
      if (position !== undefined) after.current = position;
      if (gap !== undefined) setFeed((before) => withGap(before));
      if (event !== undefined) onEvent(event);
    };
    const input = () => ({ filters, ...(after.current && { after: after.current }) });
    const listen = async () => {
      let isAbsent = false;
      const heard = (state: FeedState) => {
        isAbsent = state === 'absent';
        if (!isAbsent) onState(state);
      };
      await follow<Notice>(
        'stowage.events.v1.EventHistory/Subscribe',
        input,
        { onMessage, onState: heard },
        { signal },
      );
      if (!isAbsent || signal.aborted) return;
      // containerd's events have no numbers, and begin with the first that happens.
      onState('live');
      const plain = { onMessage: onEvent, onState };
      await follow<Envelope>('containerd.services.events.v1.Events/Subscribe', () => ({ filters }), plain, {
        signal,
      });
    };
    void listen();
    return () => left.abort();
  }, [namespace, isVisible]);
  return feed;
}

function withEvent(feed: EventsFeed, envelope: Envelope): EventsFeed {
  const [, kind = ''] = (envelope.topic ?? '').split('/');
  const key = (feed.events.at(-1)?.key ?? 0) + 1;
  const count = { ...feed.count, [kind]: (feed.count[kind] ?? 0) + 1 };
  return { ...feed, count, events: [...feed.events, { key, envelope }].slice(-MOST) };
}

/** Anything may have changed. */
function withGap(feed: EventsFeed): EventsFeed {
  const kinds = ['containers', 'tasks', 'images', 'snapshot', 'content', 'namespaces'];
  const count = Object.fromEntries(kinds.map((kind) => [kind, (feed.count[kind] ?? 0) + 1]));
  return { ...feed, count, hasGap: true };
}
