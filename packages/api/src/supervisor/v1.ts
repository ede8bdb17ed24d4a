export * from '../gen/stowage/supervisor/v1/supervisor_pb.ts';
