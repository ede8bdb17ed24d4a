export * from '../gen/runtime/task/v2/shim_pb.ts';
