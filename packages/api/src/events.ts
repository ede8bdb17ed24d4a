export * from './gen/events/container_pb.ts';
export * from './gen/events/content_pb.ts';
export * from './gen/events/image_pb.ts';
export * from './gen/events/namespace_pb.ts';
export * from './gen/events/sandbox_pb.ts';
export * from './gen/events/snapshot_pb.ts';
export * from './gen/events/task_pb.ts';
