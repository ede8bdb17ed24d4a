export * from '../../gen/runtime/bootstrap/v1/bootstrap_pb.ts';
