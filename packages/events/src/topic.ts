import { Fault, quote, validateIdentifier } from '@stowage/core';
import type { Envelope } from './events.ts';

/** @throws Fault `invalid_argument` unless it is a slash and then identifiers with slashes between. */
export function validateTopic(topic: string): void {
  if (!topic.startsWith('/')) {
    throw new Fault('invalid_argument', `event topic ${quote(topic)} must start with "/", as /tasks/exit`);
  }
  for (const component of topic.slice(1).split('/')) {
    validateIdentifier(component, `a component of event topic ${quote(topic)}`);
  }
}

/** @throws Fault `invalid_argument` for an envelope that must not be passed on. */
export function validateEnvelope({ namespace, topic, timestamp }: Envelope): void {
  validateIdentifier(namespace, 'namespace of the event');
  validateTopic(topic);
  if (Number.isNaN(timestamp.getTime())) {
    throw new Fault('invalid_argument', `event ${quote(topic)}: its timestamp must be set`);
  }
}
