export * from './gen/stowage/ttrpc/v1/headers_pb.ts';
export * from './gen/ttrpc/request_pb.ts';
