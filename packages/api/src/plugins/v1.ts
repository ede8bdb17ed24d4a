export * from '../gen/stowage/plugins/v1/plugins_pb.ts';
