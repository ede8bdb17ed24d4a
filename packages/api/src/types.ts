export * from './gen/types/descriptor_pb.ts';
export * from './gen/types/event_pb.ts';
export * from './gen/types/fieldpath_pb.ts';
export * from './gen/types/introspection_pb.ts';
export * from './gen/types/metrics_pb.ts';
export * from './gen/types/mount_pb.ts';
export * from './gen/types/platform_pb.ts';
export * from './gen/types/sandbox_pb.ts';
