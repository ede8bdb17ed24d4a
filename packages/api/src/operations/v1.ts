export * from '../gen/stowage/operations/v1/operations_pb.ts';
