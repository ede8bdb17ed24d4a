export * from '../gen/services/snapshots/v1/snapshots_pb.ts';
