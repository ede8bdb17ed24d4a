import { type Command, type CommanderError, Option } from 'commander';
import type { RunFlags } from './run-flags.ts';
import { parseBytes, parsePositive, parseSwap, parseWhole, repeated } from './run-values.ts';

const EXAMPLES = `
Examples:
  stowage run --rm busybox echo hello
  stowage run -it --rm busybox sh             a shell, on this terminal
  seq 9 | stowage run -i --rm busybox wc -l   handing on what comes in
  stowage run -d --name web --net host nginx  let it run; stop it with: stowage rm -f web
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
Signals are handed on to the program; three Ctrl-C kill it.`;

export function addRunCommand(program: Command): void {
  const command = program
    .command('run <image> [command...]')
    .description('run a program in a new container')
    .passThroughOptions()
    .exitOverride(exitAsTool)
    .option('-i, --interactive', 'hand on standard input', false)
    .option('-t, --tty', 'give it a terminal', false)
    .option('-d, --detach', 'let it run and print the container’s id', false)
    .option('--rm', 'remove the container when it ends', false)
    .option('--name <id>', 'id of the container (default: a random one)')
    .addOption(
      new Option('--pull <when>', 'pull the image')
        .choices(['missing', 'always', 'never'])
        .default('missing'),
    );
  processOptions(command);
  fileOptions(command);
  limitOptions(command);
  shareOptions(command);
  privilegeOptions(command);
  command
    .addHelpText('after', EXAMPLES)
    .action(async (image: string, args: string[], flags: RunFlags, command: Command) => {
      const { run } = await import('../actions/run.ts');
      process.exitCode = await run(command, image, args, flags);
    });
}

function processOptions(command: Command): void {
  command
    .optionsGroup('The program:')
    .addOption(envOption())
    .option('-w, --workdir <dir>', 'working directory')
    .option('-u, --user <user[:group]>', 'run as this id or name of the image')
    .addOption(repeated('--ulimit <name=soft[:hard]>', 'a limit of its own, such as nofile=1024:2048'))
    .option('--oom-score-adj <n>', '-1000 to 1000: how soon it is killed for want of memory', parseWhole);
}

function fileOptions(command: Command): void {
  command
    .optionsGroup('Its files:')
    .option('--read-only', 'make the root file system read-only', false)
    .addOption(repeated('-v, --volume </from:/to[:ro]>', 'show a file or directory of the host'))
    .addOption(
      repeated(
        '--mount <type=,src=,dst=,options=>',
        'mount, such as type=bind,src=/a,dst=/b,options=rbind:ro',
      ),
    )
    .addOption(repeated('--tmpfs </at[:options]>', 'files in memory, such as /tmp:size=64m'))
    .option('--shm-size <bytes>', 'size of /dev/shm (default: 64m)', parseBytes)
    .addOption(
      repeated('--device <device>', 'a device: /dev/x[:/dev/y][:rwm], or vendor.com/class=name of CDI'),
    );
}

function limitOptions(command: Command): void {
  command
    .optionsGroup('Its share of the machine:')
    .option('--memory <bytes>', 'most memory, such as 256m', parseBytes)
    .option('--memory-swap <bytes>', 'most memory and swap together; -1 for no limit', parseSwap)
    .option('--memory-reservation <bytes>', 'memory kept for it when that runs short', parseBytes)
    .option('--cpus <n>', 'most processors, such as 0.5', parsePositive)
    .option('--cpu-shares <n>', 'weight against other containers (usual: 1024)', parseWhole)
    .option('--cpuset-cpus <list>', 'processors that it may use, such as 0-2,4')
    .option('--cpuset-mems <list>', 'memory nodes that it may use')
    .option('--pids-limit <n>', 'most processes and threads', parseWhole)
    .option('--blkio-weight <n>', '10 to 1000: weight of its disk accesses', parseWhole)
    .option('--cgroup-parent <path>', 'control group that its own is made in');
}

function shareOptions(command: Command): void {
  const ofHost = (flag: string, what: string) => new Option(`${flag} <whose>`, what).choices(['host']);
  command
    .optionsGroup('What it shares with the host:')
    .addOption(new Option('--net <network>', 'network').choices(['host', 'none']).default('none'))
    .addOption(ofHost('--pid', 'see the host’s processes'))
    .addOption(ofHost('--ipc', 'use the host’s System V memory and message queues'))
    .addOption(ofHost('--uts', 'have the host’s name'))
    .option('--hostname <name>', 'host name of its own')
    .option('--uidmap <inside:outside:many>', 'users of its own, such as 0:100000:65536')
    .option('--gidmap <inside:outside:many>', 'groups of its own (default: as --uidmap)')
    .addOption(
      repeated('--sysctl <name=value>', 'a kernel parameter of its own, such as net.ipv4.ip_forward=1'),
    );
}

function privilegeOptions(command: Command): void {
  command
    .optionsGroup('What it may do:')
    .addOption(repeated('--cap-add <capability>', 'give it a capability, such as net_admin; or all'))
    .addOption(repeated('--cap-drop <capability>', 'take a capability from it; or all'))
    .option('--allow-new-privs', 'let setuid programs gain privileges', false)
    .option('--seccomp <file>', 'profile of system calls, as JSON; or unconfined')
    .option('--apparmor <profile>', 'AppArmor profile that is loaded; or unconfined')
    .option('--privileged', 'hold nothing back: all capabilities, devices and calls', false)
    .addOption(repeated('--annotation <name=value>', 'note in its spec, for the runtime'));
}

/** Bad usage must not read as the exit of the program. */
export function exitAsTool({ exitCode }: CommanderError): void {
  process.exitCode = exitCode === 0 ? 0 : 125;
  process.exit();
}

/** `-e`, as often as there are variables. */
export function envOption(): Option {
  return repeated('-e, --env <NAME=value>', 'set a variable; NAME alone takes it from here');
}
