import type { Envelope } from './events.ts';

/** Bytes of memory that an event takes, roughly. */
export function sizeOf({ namespace, topic, event }: Envelope): number {
  return 128 + namespace.length + topic.length + event.typeUrl.length + event.value.byteLength;
}
