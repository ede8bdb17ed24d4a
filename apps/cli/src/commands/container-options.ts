import { type Command, Option } from 'commander';
import { parseBytes, parsePositive, parseSwap, parseWhole, repeated } from './run-values.ts';

/** What a container is to be; the same for all commands that make one. */
export function withContainerOptions(command: Command): Command {
  keepingOptions(command);
  processOptions(command);
  fileOptions(command);
  limitOptions(command);
  shareOptions(command);
  privilegeOptions(command);
  return command;
}

/** `-e`, as often as there are variables. */
export function envOption(): Option {
  return repeated('-e, --env <NAME=value>', 'set a variable; NAME alone takes it from here');
}

export function detachKeysOption(): Option {
  return new Option('--detach-keys <keys>', 'keys that let go of its terminal').default('ctrl-p,ctrl-q');
}

function keepingOptions(command: Command): void {
  command
    .option('-i, --interactive', 'hand on standard input', false)
    .option('-t, --tty', 'give it a terminal', false)
    .option('--name <id>', 'id of the container (default: a random one)')
    .addOption(
      new Option('--pull <when>', 'pull the image')
        .choices(['missing', 'always', 'never'])
        .default('missing'),
    )
    .option('--cidfile <file>', 'write its id to this new file')
    .addOption(repeated('-l, --label <name=value>', 'note something on it'))
    .addOption(repeated('--label-file <file>', 'the same, a line for each'))
    .option('--restart <when>', 'start it again: always, unless-stopped or on-failure[:times]')
    .addOption(
      new Option('--log-driver <where>', 'keep what it prints while nobody is attached')
        .choices(['file', 'none'])
        .default('file'),
    )
    .addOption(repeated('--log-opt <name=value>', 'bound the log: max-size=20m, max-file=5'))
    .option('--stop-signal <signal>', 'how stop asks it to end (default: the image’s, or TERM)')
    .option('--stop-timeout <seconds>', 'how long stop waits before it kills', parseWhole);
}

function processOptions(command: Command): void {
  command
    .optionsGroup('The program:')
    .option('--init', 'have a small init of the host’s (docker-init, tini, catatonit) start and reap', false)
    .addOption(envOption())
    .addOption(repeated('--env-file <file>', 'variables, a line for each'))
    .option(
      '--entrypoint <program>',
      'instead of the image’s, and of its command; the arguments stand behind it',
    )
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
    .option('--pid <whose>', 'see these processes: host, or container:ID')
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
