import { release } from 'node:os';
import { hostPlatform } from '@stowage/core';
import { ARCHITECTURE_CALLS, callNames, ORDINARY_CALLS, PRIVILEGED_CALLS } from './seccomp-calls.ts';
import type { Seccomp, SeccompRule } from './spec.ts';

export interface DefaultSeccompOptions {
  /** The bounding set: what it does not hold, no process of the container can get. */
  readonly capabilities: readonly string[];
  /** As in an image's platform: `amd64`, `arm64`, … Default: this machine's. */
  readonly architecture?: string | undefined;
  /** Kernel that runs it, such as `6.1`. Default: this machine's, or an old one where there is no Linux. */
  readonly kernel?: string | undefined;
}

const EPERM = 1;
const ENOSYS = 38;

/**
 * The modes of a processor: a call made in another than these kills the process. x32 is left out, which hardly any kernel
 * has, and which would make the filter a third larger: its making is felt at each start of a container.
 */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  arm: ['SCMP_ARCH_ARM'],
  ppc64le: ['SCMP_ARCH_PPC64LE'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
};

/** linux/personality.h: Linux, Linux with 32 bits, each with UNAME26, and 0xffffffff, which only asks. */
const PERSONALITIES = [0x0, 0x0008, 0x20000, 0x20008, 0xffffffff];

/** linux/sched.h: each of these makes a namespace. NEWTIME shares its bit with the exit signal, and is not for clone. */
const NEW_NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000;

/** linux/socket.h: UNIX, INET, INET6, NETLINK, PACKET. */
const ORDINARY_FAMILIES = [1, 2, 10, 16, 17];

/** Highest family that linux/socket.h has (MCTP). */
const LAST_FAMILY = 45;

/**
 * Never given: ALG hands the kernel's cryptography to anybody, and VSOCK reaches the hypervisor's machines whatever
 * the network namespace.
 */
const REFUSED_FAMILIES = [38, 40];

/**
 * What a container may ask of the kernel, by what it may do. Refused calls fail with EPERM; `clone3` with ENOSYS, upon
 * which libraries use `clone`, whose flags a filter can see.
 *
 * @see containerd contrib/seccomp/seccomp_default.go; runtime-spec config-linux.md, Seccomp
 */
export function defaultSeccomp(options: DefaultSeccompOptions): Seccomp {
  const { capabilities, architecture = hostPlatform().architecture, kernel = hostKernel() } = options;
  const has = new Set(capabilities);
  const named = [
    ...Object.values(ORDINARY_CALLS),
    ARCHITECTURE_CALLS[architecture] ?? '',
    ...Object.entries(PRIVILEGED_CALLS).flatMap(([needed, calls]) => (has.has(needed) ? [calls] : [])),
    // Older kernels let a traced process run calls past the filter (fixed in 4.8).
    atLeast(kernel, 4, 8) ? 'ptrace' : '',
  ];
  const names = [...new Set(named.flatMap((text) => (text === '' ? [] : callNames(text))))].sort();
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    ...(ARCHITECTURES[architecture] !== undefined && { architectures: ARCHITECTURES[architecture] }),
    syscalls: [
      { names, action: 'SCMP_ACT_ALLOW' },
      ...PERSONALITIES.map((value) => allowEqual('personality', value)),
      ...families(has).map((value) => allowEqual('socket', value)),
      ...(has.has('CAP_SYS_ADMIN') ? [] : withoutNamespaces(architecture)),
    ],
  };
}

/**
 * Each compared for equality: a family that is not listed cannot be smuggled in the upper half of the register, which
 * the kernel ignores and a comparison for inequality does not.
 */
function families(has: ReadonlySet<string>): readonly number[] {
  if (!has.has('CAP_NET_ADMIN')) return ORDINARY_FAMILIES;
  return Array.from({ length: LAST_FAMILY }, (_, i) => i + 1).filter((f) => !REFUSED_FAMILIES.includes(f));
}

function allowEqual(name: string, value: number): SeccompRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] };
}

function withoutNamespaces(architecture: string): SeccompRule[] {
  // s390 takes the stack first.
  const index = architecture === 's390x' ? 1 : 0;
  const args = [{ index, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }];
  return [
    { names: ['clone'], action: 'SCMP_ACT_ALLOW', args },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

function hostKernel(): string {
  return process.platform === 'linux' ? release() : '0.0';
}

function atLeast(kernel: string, major: number, minor: number): boolean {
  const [have = 0, haveMinor = 0] = kernel.split(/[.-]/).map(Number);
  return have > major || (have === major && haveMinor >= minor);
}
