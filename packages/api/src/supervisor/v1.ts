export * from '../gen/stowage/supervisor/v1/shim_pb.ts';
export * from '../gen/stowage/supervisor/v1/supervisor_pb.ts';
