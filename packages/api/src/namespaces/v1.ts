export * from '../gen/services/namespaces/v1/namespace_pb.ts';
