/** One mount(2) to be made by whoever needs the files, in containerd's form. */
export interface Mount {
  /** Filesystem type: `overlay`, `bind`, ... */
  readonly type: string;
  readonly source: string;
  /** Path below the mount point that this mount goes to. Empty: the mount point itself. */
  readonly target?: string | undefined;
  /** As in fstab: `ro`, `rbind`, `lowerdir=/a:/b`, ... */
  readonly options: readonly string[];
}
