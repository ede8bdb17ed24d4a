export * from '../gen/runtime/task/v3/shim_pb.ts';
