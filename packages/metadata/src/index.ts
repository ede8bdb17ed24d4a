export type { ContentSharing } from './content/sharing.ts';
export type { Collected, Collection, CollectOptions } from './gc/collector.ts';
export type { ScheduleOptions } from './gc/scheduler.ts';
export * from './metadata.ts';
