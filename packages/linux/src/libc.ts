import koffi from 'koffi';

/** What may cross into C. Text crosses as NUL-terminated bytes (see cstring), never as a JS string. */
export type Word = number | bigint;
export type Memory = Uint8Array | null;

type Native<A extends readonly unknown[], R> = (...args: A) => R;

let library: ReturnType<typeof koffi.load> | undefined;
const unbound: (() => void)[] = [];

/** Binds at the first call, so that importing this package loads nothing. */
export function bind<A extends readonly unknown[] = readonly (Word | Memory)[], R = number>(
  signature: string,
): Native<A, R> {
  let native: Native<A, R> | undefined;
  const bound = (): Native<A, R> => {
    library ??= koffi.load('libc.so.6');
    native ??= library.func(signature) as Native<A, R>;
    return native;
  };
  unbound.push(bound);
  return (...args) => bound()(...args);
}

/**
 * Binds all functions now: a thread that may be ended, or has changed its root, must not come to that later. Costs a
 * few milliseconds once.
 */
export function bindAll(): void {
  for (const bound of unbound.splice(0)) bound();
}

// Variadic functions (open, fcntl, ioctl, syscall) are declared fixed: the calling conventions of x86-64 and
// aarch64 Linux pass integer arguments alike either way.
export const c = {
  syscall0: bind<[number, Word, Word, Word, Word]>('long syscall(long n, long a, long b, long c, long d)'),
  /** (dirfd, path, number, number): mknodat, fchmodat2, open_tree, fspick. */
  syscallAt: bind<[number, number, Memory, Word, Word]>(
    'long syscall(long n, int dirfd, const void *path, long a, long b)',
  ),
  /** (dirfd, path, memory, size): openat2. */
  syscallHow: bind<[number, number, Memory, Memory, Word]>(
    'long syscall(long n, int dirfd, const void *path, void *how, size_t size)',
  ),
  /** (fd, command, key, value, aux): fsconfig. */
  syscallConfig: bind<[number, number, number, Memory, Memory, number]>(
    'long syscall(long n, int fd, uint command, const void *key, const void *value, int aux)',
  ),
  /** (path, flags): fsopen. */
  syscallPath: bind<[number, Memory, Word]>('long syscall(long n, const void *path, long flags)'),
  /** (from, path, to, path, flags): move_mount. */
  syscallMove: bind<[number, number, Memory, number, Memory, number]>(
    'long syscall(long n, int from, const void *fromPath, int to, const void *toPath, uint flags)',
  ),
  /** (fd, memory, size): getdents64. */
  syscallBuffer: bind<[number, number, Memory, number]>(
    'long syscall(long n, int fd, void *buffer, size_t size)',
  ),
  /** (fd, path, flags, attributes, size): mount_setattr. */
  syscallAttr: bind<[number, number, Memory, number, Memory, number]>(
    'long syscall(long n, int fd, const void *path, uint flags, void *attributes, size_t size)',
  ),
  strerror: bind<[number], string>('const char *strerror(int errnum)'),

  open: bind<[Memory, number, number]>('int open(const void *path, int flags, uint mode)'),
  close: bind<[number]>('int close(int fd)'),
  read: bind<[number, Memory, number]>('long read(int fd, void *buf, size_t count)'),
  write: bind<[number, Memory, number]>('long write(int fd, const void *buf, size_t count)'),
  fcntl: bind<[number, number, Word]>('int fcntl(int fd, int cmd, long arg)'),
  ioctl: bind<[number, number, Memory]>('int ioctl(int fd, ulong request, void *arg)'),
  ioctlInt: bind<[number, number, Word]>('int ioctl(int fd, ulong request, long arg)'),
  lseek: bind<[number, Word, number]>('int64_t lseek(int fd, int64_t offset, int whence)'),
  flock: bind<[number, number]>('int flock(int fd, int operation)'),
  fstatfs: bind<[number, Memory]>('int fstatfs(int fd, void *buf)'),
  statfs: bind<[Memory, Memory]>('int statfs(const void *path, void *buf)'),
  syncfs: bind<[number]>('int syncfs(int fd)'),
  fsync: bind<[number]>('int fsync(int fd)'),
  pipe2: bind<[Memory, number]>('int pipe2(void *fds, int flags)'),
  mkfifo: bind<[Memory, number]>('int mkfifo(const void *path, uint mode)'),
  eventfd: bind<[number, number]>('int eventfd(uint initial, int flags)'),

  utimensat: bind<[number, Memory, Memory, number]>(
    'int utimensat(int dirfd, const void *path, const void *times, int flags)',
  ),
  fchmodat: bind<[number, Memory, number, number]>(
    'int fchmodat(int dirfd, const void *path, uint mode, int flags)',
  ),
  lgetxattr: bind<[Memory, Memory, Memory, number]>(
    'long lgetxattr(const void *path, const void *name, void *value, size_t size)',
  ),
  lsetxattr: bind<[Memory, Memory, Memory, number, number]>(
    'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
  ),
  llistxattr: bind<[Memory, Memory, number]>('long llistxattr(const void *path, void *list, size_t size)'),
  lremovexattr: bind<[Memory, Memory]>('int lremovexattr(const void *path, const void *name)'),
  fgetxattr: bind<[number, Memory, Memory, number]>(
    'long fgetxattr(int fd, const void *name, void *value, size_t size)',
  ),
  fsetxattr: bind<[number, Memory, Memory, number, number]>(
    'int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)',
  ),
  flistxattr: bind<[number, Memory, number]>('long flistxattr(int fd, void *list, size_t size)'),
  fremovexattr: bind<[number, Memory]>('int fremovexattr(int fd, const void *name)'),

  prctl: bind<[number, Word, Word, Word, Word]>('int prctl(int option, ulong a, ulong b, ulong c, ulong d)'),
  prctlOut: bind<[number, Memory, Word, Word, Word]>(
    'int prctl(int option, void *a, ulong b, ulong c, ulong d)',
  ),
  umask: bind<[number]>('uint umask(uint mask)'),
  /** (function, top of its stack, flags, its argument), addresses as numbers. */
  clone: bind<[bigint, bigint, number, number]>('int clone(ulong fn, ulong stack, int flags, ulong arg)'),
  /** (request, pid, address, data) as numbers. */
  ptrace: bind<[number, number, number, number]>('long ptrace(int request, int pid, ulong addr, ulong data)'),
  waitpid: bind<[number, Memory, number]>('int waitpid(int pid, void *status, int options)'),

  mount: bind<[Memory, Memory, Memory, number, Memory]>(
    'int mount(const void *source, const void *target, const void *type, ulong flags, const void *data)',
  ),
  umount2: bind<[Memory, number]>('int umount2(const void *target, int flags)'),
  unshare: bind<[number]>('int unshare(int flags)'),
  setns: bind<[number, number]>('int setns(int fd, int nstype)'),
  chroot: bind<[Memory]>('int chroot(const void *path)'),
  chdir: bind<[Memory]>('int chdir(const void *path)'),
  fchdir: bind<[number]>('int fchdir(int fd)'),

  epollCreate: bind<[number]>('int epoll_create1(int flags)'),
  epollCtl: bind<[number, number, number, Memory]>('int epoll_ctl(int epfd, int op, int fd, void *event)'),
  epollWait: bind<[number, Memory, number, number]>(
    'int epoll_wait(int epfd, void *events, int maxevents, int timeout)',
  ),

  socket: bind<[number, number, number]>('int socket(int domain, int type, int protocol)'),
  socketpair: bind<[number, number, number, Memory]>(
    'int socketpair(int domain, int type, int protocol, void *sv)',
  ),
  bind: bind<[number, Memory, number]>('int bind(int fd, const void *addr, uint len)'),
  connect: bind<[number, Memory, number]>('int connect(int fd, const void *addr, uint len)'),
  listen: bind<[number, number]>('int listen(int fd, int backlog)'),
  accept4: bind<[number, Memory, Memory, number]>('int accept4(int fd, void *addr, void *len, int flags)'),
  getsockopt: bind<[number, number, number, Memory, Memory]>(
    'int getsockopt(int fd, int level, int name, void *value, void *len)',
  ),
  sendmsg: bind<[number, Memory, number]>('long sendmsg(int fd, const void *msg, int flags)'),
  recvmsg: bind<[number, Memory, number]>('long recvmsg(int fd, void *msg, int flags)'),
};

/** The address of a function of the C library. */
export function addressOfFunction(name: string): bigint {
  library ??= koffi.load('libc.so.6');
  return koffi.address(library.symbol(name, 'void'));
}

/** The address of bytes the caller keeps alive until the call that uses it has returned. */
export const addressOf = (bytes: Uint8Array): bigint => koffi.address(bytes);

/** errno of this thread's last call through `c`. Read it before anything else runs. */
export const lastErrno = (): number => koffi.errno();
