export * from '../gen/services/tasks/v1/tasks_pb.ts';
