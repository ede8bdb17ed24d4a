export * from '../gen/stowage/gc/v1/gc_pb.ts';
