export * from '../gen/services/mounts/v1/mounts_pb.ts';
