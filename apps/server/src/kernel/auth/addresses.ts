import { BlockList, isIP, isIPv4 } from 'node:net';

/** IPv4 written as IPv6 (`::ffff:10.0.0.1`) is that IPv4; zone ids (`%eth0`) say nothing to us. */
export function plainAddress(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? bare;
}

/** What failures are counted by: one IPv4 address, or the /64 an IPv6 user commands. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined
      ? left
      : [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group || '0', 16).toString(16))
    .join(':')}::/64`;
}

const named: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

export const isRange = (text: string): boolean => text in named || rangesOf(text) !== undefined;

/** Addresses, ranges (`10.0.0.0/8`) and the names `loopback`, `linklocal`, `uniquelocal`. Throws on anything else. */
export class AddressSet {
  readonly #list = new BlockList();

  constructor(ranges: readonly string[]) {
    for (const range of ranges.flatMap((text) => named[text] ?? [text])) {
      const parsed = rangesOf(range);
      if (!parsed) throw new Error(`${range} is not an address range`);
      this.#list.addSubnet(parsed.address, parsed.bits, parsed.family);
    }
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }
}

function rangesOf(range: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [given = '', bits, rest] = range.split('/');
  const address = plainAddress(given);
  if (isIP(address) === 0 || rest !== undefined) return undefined;
  const most = isIPv4(address) ? 32 : 128;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (length < 0 || length > most) return undefined;
  return { address, bits: length, family: most === 32 ? 'ipv4' : 'ipv6' };
}

export const isLoopback = (address: string): boolean => loopback.has(address);
const loopback = new AddressSet(['loopback']);
