import type { Command } from 'commander';

const EXAMPLES = `
DIR must be in the PATH of containerd, whose own shim finds runc there as well: /usr/local/bin, as a rule. One small file
is written, containerd-shim-stowage-v1. It starts this node with the code of @stowage/daemon where both are installed now,
so install it again after they have moved; an upgrade in place needs nothing. Containers are safe from either: what has
them is a copy. Remove the file to uninstall.

Examples:
  stowage install-shim /usr/local/bin
  ctr run --rm --runtime io.containerd.stowage.v1 docker.io/library/busybox:latest demo echo hello
  nerdctl run --runtime io.containerd.stowage.v1 busybox echo hello

containerd needs no restart. For Kubernetes, name it in containerd's config:
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.stowage]
  runtime_type = "io.containerd.stowage.v1"`;

export function addInstallShimCommand(program: Command): void {
  program
    .command('install-shim')
    .argument('<dir>', "directory in containerd's PATH")
    .description('let containerd run containers by Stowage: io.containerd.stowage.v1')
    .addHelpText('after', EXAMPLES)
    .action(async (dir: string) => {
      const { installShim } = await import('../actions/install-shim.ts');
      await installShim(dir);
    });
}
