export * from '../gen/services/introspection/v1/introspection_pb.ts';
