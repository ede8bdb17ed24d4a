import { BlockList, isIP } from 'node:net';

const linkLocal = blocks([
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  // Metadata services of clouds that are not at a link-local address.
  ['fd00:ec2::', 64, 'ipv6'],
  ['100.100.100.200', 32, 'ipv4'],
]);

const loopback = blocks([
  ['127.0.0.0', 8, 'ipv4'],
  ['0.0.0.0', 8, 'ipv4'],
  ['::', 127, 'ipv6'],
]);

/** An address at which only this machine's own secrets are to be had, such as a cloud's metadata service. */
export function isLinkLocal(hostname: string): boolean {
  return contains(linkLocal, hostname);
}

/** This machine itself, by address or by the name that stands for it (RFC 6761). */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || contains(loopback, hostname);
}

function contains(list: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function blocks(networks: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList {
  const list = new BlockList();
  // An IPv4 network also covers its IPv4-mapped IPv6 form.
  for (const [network, prefix, family] of networks) list.addSubnet(network, prefix, family);
  return list;
}
