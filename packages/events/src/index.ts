export * from './event-history.ts';
export * from './events.ts';
