export type { ContentSharing } from './content/sharing.ts';
export type { Collected, CollectOptions } from './gc/collector.ts';
export type { ScheduleOptions } from './gc/scheduler.ts';
export * from './metadata.ts';
