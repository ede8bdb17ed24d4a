export * from '../gen/github.com/containerd/cgroups/cgroup1/stats/metrics_pb.ts';
