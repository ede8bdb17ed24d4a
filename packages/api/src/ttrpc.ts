export * from './gen/ttrpc/request_pb.ts';
