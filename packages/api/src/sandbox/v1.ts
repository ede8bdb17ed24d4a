export * from '../gen/services/sandbox/v1/sandbox_pb.ts';
