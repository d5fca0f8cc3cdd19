import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** IPv4 written as IPv6 (`::ffff:10.0.0.1`, `::ffff:a00:1`) is that IPv4; zone ids (`%eth0`) say nothing to us. */
export function plainAddress(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare;
  const groups = groupsOf(bare);
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return mapped ? dotted(groups[6] ?? 0, groups[7] ?? 0) : bare;
}

const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');

/** The eight groups of an IPv6 address as numbers. */
function groupsOf(address: string): number[] {
  // A dotted end stands for the last two groups.
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].map((group) => Number.parseInt(group, 16));
}

/** What failures are counted by: one IPv4 address, or the /64 an IPv6 user commands. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  return `${groupsOf(plain)
    .slice(0, 4)
    .map((group) => group.toString(16))
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
