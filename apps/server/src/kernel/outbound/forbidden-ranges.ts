import { BlockList, isIP } from 'node:net';
import { AddressSet, plainAddress } from '#kernel/base';

/** What a server must not be talked into calling, by what it is. From the registries of special addresses (RFC 6890 and after). */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  'this network': ['0.0.0.0/8', '::/128'],
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  shared: ['100.64.0.0/10'],
  'protocol assignments': ['192.0.0.0/24', '2001::/23', '100::/64', '5f00::/16'],
  documentation: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'],
  benchmarking: ['198.18.0.0/15'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
  reserved: ['240.0.0.0/4'],
  // They carry an IPv4 address inside: what lies behind is not what was checked.
  translated: ['64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '192.88.99.0/24'],
  'IPv4-compatible': ['::/96'],
};

/** Addresses that clouds answer metadata and credentials on; never let in by a wider allowed range, only by naming them. */
const metadata = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
];

const lists = Object.entries(forbidden).map(([name, ranges]) => ({ name, set: new AddressSet(ranges) }));

export type Verdict = { allowed: true; asked: boolean } | { allowed: false; range: string };

/** Decides by address. `asked`: a forbidden range the operator allowed, where plain http is allowed too. */
export class AddressRule {
  readonly #allow: AddressSet;
  readonly #named: ReadonlySet<string>;

  constructor(allow: readonly string[]) {
    this.#allow = new AddressSet(allow);
    this.#named = new Set(allow.map((range) => plainAddress(range.replace(/\/(32|128)$/, '')).toLowerCase()));
  }

  /** `trusted`: the operator named what is called, so ranges that need to be asked for are. */
  judge(address: string, trusted = false): Verdict {
    const plain = plainAddress(address);
    if (isIP(plain) === 0) return { allowed: false, range: 'not an address' };
    if (isMetadata(plain) && !this.#named.has(plain.toLowerCase())) return { allowed: false, range: 'metadata' };
    if (trusted || this.#allow.has(plain)) return { allowed: true, asked: true };
    const found = lists.find(({ set }) => set.has(plain));
    return found ? { allowed: false, range: found.name } : { allowed: true, asked: false };
  }
}

const metadataList = new BlockList();
for (const address of metadata) metadataList.addAddress(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
const isMetadata = (plain: string): boolean => metadataList.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
