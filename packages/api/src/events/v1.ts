export * from '../gen/services/events/v1/events_pb.ts';
