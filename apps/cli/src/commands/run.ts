import type { Command, CommanderError } from 'commander';
import { detachKeysOption, withContainerOptions } from './container-options.ts';
import type { RunFlags } from './run-flags.ts';

const EXAMPLES = `
Examples:
  stowage run --rm busybox echo hello
  stowage run -it --rm busybox sh             a shell, on this terminal
  seq 9 | stowage run -i --rm busybox wc -l   handing on what comes in
  stowage run -d --name web --net host nginx  let it run; see stowage logs and stop
  stowage run --rm --memory 64m --cpus 0.5 -e GREETING=hi busybox env
  stowage run --rm -v ./site:/www:ro --tmpfs /tmp:size=16m --read-only -u 1000:1000 busybox ls -l /www
  stowage run --rm --cap-drop all --cap-add chown --pids-limit 20 busybox sh -c 'touch /x; chown 5 /x'
  stowage run --rm --device /dev/fuse:rw --ulimit nofile=4096 busybox ls -l /dev/fuse
  stowage run --rm --device example.com/gpu=0 busybox env   as the files in /etc/cdi describe it
  stowage run --rm --uidmap 0:100000:65536 busybox id        root in it is nobody on the host
  stowage run --rm --net host --privileged busybox sh       nothing is held back: as root on the host

Each container has files, processes, names and a network of its own, nine capabilities, and the system calls that
ordinary programs need. If one fails with "Operation not permitted", see which it lacks with --seccomp unconfined or
--cap-add, rather than with --privileged.

It ends with the program's exit code; 125 if it could not be run, 126 if it is not executable, 127 if there is none.
Signals are handed on to the program; three Ctrl-C kill it. With -it, ctrl-p ctrl-q lets go of it, and stowage attach has
it back. With -d what it prints goes to a log, for stowage logs; and --rm takes effect when stowage stop, wait or
container prune meets it, as no process waits for it.`;

export function addRunCommand(program: Command): void {
  const command = program
    .command('run <image> [command...]')
    .description('run a program in a new container')
    .passThroughOptions()
    .exitOverride(exitAsTool)
    .option('-d, --detach', 'let it run and print the container’s id', false)
    .option('--rm', 'remove the container when it ends', false)
    .option('--embedded', 'need no daemon, as stowage --embedded run')
    .addOption(detachKeysOption());
  withContainerOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (image: string, args: string[], flags: RunFlags, command: Command) => {
      const { run } = await import('../actions/run.ts');
      process.exitCode = await run(command, image, args, flags);
    });
}

/** Bad usage must not read as the exit of the program. */
export function exitAsTool({ exitCode }: CommanderError): void {
  process.exitCode = exitCode === 0 ? 0 : 125;
  process.exit();
}
