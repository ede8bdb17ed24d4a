export * from '../gen/stowage/events/v1/events_pb.ts';
