/** What was said on the command line of a container to be made. */
export interface RunFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly rm: boolean;
  readonly name?: string;
  readonly pull: 'missing' | 'always' | 'never';
  readonly detachKeys: string;
  readonly cidfile?: string;
  readonly restart?: string;
  readonly label: string[];
  readonly labelFile: string[];
  readonly logDriver: 'file' | 'none';
  readonly logOpt: string[];
  readonly stopSignal?: string;
  readonly stopTimeout?: number;

  readonly init: boolean;
  readonly env: string[];
  readonly envFile: string[];
  readonly entrypoint?: string;
  readonly workdir?: string;
  readonly user?: string;
  readonly ulimit: string[];
  readonly oomScoreAdj?: number;

  readonly readOnly: boolean;
  readonly volume: string[];
  readonly mount: string[];
  readonly tmpfs: string[];
  readonly shmSize?: number;
  readonly device: string[];

  readonly memory?: number;
  readonly memorySwap?: number;
  readonly memoryReservation?: number;
  readonly cpus?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
  readonly cgroupParent?: string;

  readonly net: 'host' | 'none';
  readonly pid?: string;
  readonly ipc?: 'host';
  readonly uts?: 'host';
  readonly hostname?: string;
  readonly sysctl: string[];
  readonly uidmap?: string;
  readonly gidmap?: string;

  readonly capAdd: string[];
  readonly capDrop: string[];
  readonly privileged: boolean;
  readonly allowNewPrivs: boolean;
  readonly seccomp?: string;
  readonly apparmor?: string;
  readonly annotation: string[];
}
