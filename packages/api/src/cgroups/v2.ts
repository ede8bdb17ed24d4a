export * from '../gen/github.com/containerd/cgroups/cgroup2/stats/metrics_pb.ts';
