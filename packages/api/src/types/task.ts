export * from '../gen/types/task/task_pb.ts';
