import { create } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { MetricsSchema as V1 } from '@stowage/api/cgroups/v1';
import { MetricsSchema as V2 } from '@stowage/api/cgroups/v2';
import { parseExposition } from '@stowage/testing';
import { type Counted, familiesOf } from '../src/cgroups/figure.ts';
import { figuresV1 } from '../src/cgroups/v1.ts';
import { figuresV2 } from '../src/cgroups/v2.ts';
import { type Family, render } from '../src/index.ts';

const scrape = (families: readonly Family[]) => parseExposition([...render(families)].join(''));
const of = <M>(stats: M, id = 'c'): Counted<M> => ({ namespace: 'n', id, stats });
const labels = { container_id: 'c', namespace: 'n' };

/** Those of containerd 2.3 with a unit, less blkio and hugetlb, which need entries. */
const V1_NAMES = `pids_limit pids_current cpu_total_nanoseconds cpu_kernel_nanoseconds cpu_user_nanoseconds
per_cpu_nanoseconds cpu_throttle_periods_total cpu_throttled_periods_total cpu_throttled_time_nanoseconds
memory_cache_bytes memory_rss_bytes memory_rss_huge_bytes memory_mapped_file_bytes memory_dirty_bytes
memory_writeback_bytes memory_pgpgin_bytes memory_pgpgout_bytes memory_pgfault_bytes memory_pgmajfault_bytes
memory_inactive_anon_bytes memory_active_anon_bytes memory_inactive_file_bytes memory_active_file_bytes
memory_unevictable_bytes memory_hierarchical_memory_limit_bytes memory_hierarchical_memsw_limit_bytes
memory_total_cache_bytes memory_total_rss_bytes memory_total_rss_huge_bytes memory_total_mapped_file_bytes
memory_total_dirty_bytes memory_total_writeback_bytes memory_total_pgpgin_bytes memory_total_pgpgout_bytes
memory_total_pgfault_bytes memory_total_pgmajfault_bytes memory_total_inactive_anon_bytes
memory_total_active_anon_bytes memory_total_inactive_file_bytes memory_total_active_file_bytes
memory_total_unevictable_bytes memory_usage_failcnt_total memory_usage_limit_bytes memory_usage_max_bytes
memory_usage_usage_bytes memory_swap_failcnt_total memory_swap_limit_bytes memory_swap_max_bytes
memory_swap_usage_bytes memory_kernel_failcnt_total memory_kernel_limit_bytes memory_kernel_max_bytes
memory_kernel_usage_bytes memory_kerneltcp_failcnt_total memory_kerneltcp_limit_bytes memory_kerneltcp_max_bytes
memory_kerneltcp_usage_bytes memory_oom_total hugetlb_usage_bytes hugetlb_failcnt_total hugetlb_max_bytes
blkio_io_merged_recursive_total blkio_io_queued_recursive_total blkio_io_service_bytes_recursive_bytes
blkio_io_service_time_recursive_total blkio_io_serviced_recursive_total blkio_io_time_recursive_total
blkio_sectors_recursive_total`.split(/\s+/);

const V2_NAMES = `pids_limit pids_current cpu_usage_usec_microseconds cpu_user_usec_microseconds
cpu_system_usec_microseconds cpu_nr_periods_total cpu_nr_throttled_total cpu_throttled_usec_microseconds
memory_usage_bytes memory_usage_limit_bytes memory_swap_usage_bytes memory_swap_limit_bytes memory_file_mapped_bytes
memory_file_dirty_bytes memory_file_writeback_bytes memory_pgactivate_bytes memory_pgdeactivate_bytes
memory_pgfault_bytes memory_pgmajfault_bytes memory_pglazyfree_bytes memory_pgrefill_bytes memory_pglazyfreed_bytes
memory_pgscan_bytes memory_pgsteal_bytes memory_inactive_anon_bytes memory_active_anon_bytes
memory_inactive_file_bytes memory_active_file_bytes memory_unevictable_bytes memory_anon_bytes memory_file_bytes
memory_kernel_stack_bytes memory_slab_bytes memory_sock_bytes memory_shmem_bytes memory_anon_thp_bytes
memory_slab_reclaimable_bytes memory_slab_unreclaimable_bytes memory_workingset_refault_bytes
memory_workingset_activate_bytes memory_workingset_nodereclaim_bytes memory_thp_fault_alloc_bytes
memory_thp_collapse_alloc_bytes memory_oom_total io_rbytes_bytes io_wbytes_bytes io_rios_total
io_wios_total`.split(/\s+/);

test.each([
  ['v1', familiesOf(figuresV1, []), V1_NAMES],
  ['v2', familiesOf(figuresV2, []), V2_NAMES],
])('figures of %s have the names that containerd gives them', (_, families, names) => {
  expect(families.map(({ name }) => name).sort()).toEqual(names.map((name) => `container_${name}`).sort());
});

test('figures of v1 are told by container and namespace', () => {
  const stats = create(V1, {
    pids: { current: 3n, limit: 9n },
    cpu: { usage: { total: 5n, perCpu: [2n, 3n] }, throttling: { throttledTime: 4n } },
    memory: { totalRss: 7n, usage: { usage: 11n, failcnt: 1n } },
    memoryOomControl: { oomKill: 2n },
    hugetlb: [{ pagesize: '2MB', usage: 1n }],
    blkio: { ioServiceBytesRecursive: [{ op: 'Read', major: 8n, minor: 1n, value: 6n }] },
  });
  const other = create(V1, { pids: { current: 1n } });
  const { value, series } = scrape(familiesOf(figuresV1, [of(stats), of(other, 'd')]));
  expect(value('container_pids_current', labels)).toBe(3);
  expect(value('container_pids_current', { container_id: 'd' })).toBe(1);
  expect(value('container_cpu_total_nanoseconds', labels)).toBe(5);
  expect(value('container_per_cpu_nanoseconds', { ...labels, cpu: '1' })).toBe(3);
  expect(value('container_memory_total_rss_bytes', labels)).toBe(7);
  expect(value('container_memory_usage_usage_bytes', labels)).toBe(11);
  expect(value('container_memory_swap_usage_bytes', labels)).toBeUndefined();
  expect(value('container_memory_oom_total', labels)).toBe(2);
  expect(value('container_hugetlb_usage_bytes', { ...labels, page: '2MB' })).toBe(1);
  const device = { ...labels, op: 'Read', major: '8', minor: '1' };
  expect(value('container_blkio_io_service_bytes_recursive_bytes', device)).toBe(6);
  expect(series.filter((one) => one.labels.container_id === 'd').map(({ name }) => name)).toEqual([
    'container_pids_limit',
    'container_pids_current',
  ]);
});

test('figures of v2 likewise', () => {
  const stats = create(V2, {
    cpu: { usageUsec: 5n },
    memory: { usage: 11n, usageLimit: 2n ** 64n - 1n },
    memoryEvents: { oom: 2n },
    io: { usage: [{ major: 8n, minor: 1n, rbytes: 6n }] },
  });
  const { value } = scrape(familiesOf(figuresV2, [of(stats)]));
  expect(value('container_cpu_usage_usec_microseconds', labels)).toBe(5);
  expect(value('container_memory_usage_bytes', labels)).toBe(11);
  expect(value('container_memory_usage_limit_bytes', labels)).toBe(2 ** 64);
  expect(value('container_memory_oom_total', labels)).toBe(2);
  expect(value('container_io_rbytes_bytes', { ...labels, major: '8', minor: '1' })).toBe(6);
});
