export * from '../../gen/runtime/sandbox/v1/sandbox_pb.ts';
