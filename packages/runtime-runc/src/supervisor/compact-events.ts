import type { LoggedEvent } from './event-lines.ts';

/** Topics that may come any number of times for one container, and of which the last one tells all. */
const REPEATABLE: ReadonlySet<string> = new Set(['/tasks/oom', '/tasks/paused', '/tasks/resumed']);

/**
 * Leaves out what a later event of the same container says again. All else is bounded by the number of processes,
 * and stays: an exit is never dropped.
 */
export function compacted(events: readonly LoggedEvent[]): LoggedEvent[] {
  const seen = new Set<string>();
  return events.toReversed().filter(isLast).reverse();

  function isLast({ envelope: { namespace, topic, event } }: LoggedEvent): boolean {
    if (!REPEATABLE.has(topic)) return true;
    // The only field of these messages is the container's id, so their bytes name it.
    const key = `${namespace} ${topic} ${Buffer.from(event.value).toString('latin1')}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  }
}
