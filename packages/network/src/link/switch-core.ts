// A learning switch with names: forwards frames between ports by their addresses (IEEE 802.1D, 7.8 without spanning tree: there are no
// loops), gives each port an address, and answers the DNS for the names of its members. It knows no socket and no clock: who owns
// it brings frames and time.
import {
  Address,
  DNS_A,
  DNS_AAAA,
  DNS_IN,
  DNS_NOERROR,
  DNS_NXDOMAIN,
  type DnsHandler,
  type DnsQuestion,
  type DnsReply,
  DnsServer,
  ExternalDevice,
  type FrameOutput,
  type PacketBuffer,
  PacketPool,
  type RandomSource,
  Stack,
  Udp,
} from '@sandbox-kernel/netstack';

const OWN_MAC = 0x02534b630001;
const FIRST_MAC = 0x02534b630100;
const MAX_PORTS = 250;
/** Stations remembered per port: a member that invents addresses pushes out its own. */
const MAX_STATIONS = 256;
const TTL = 5;

export interface SwitchPort {
  readonly name: string;
  readonly address: Address;
  readonly address6: Address;
  readonly mac: number;
  /** Takes a frame; the bytes are valid during the call. */
  readonly send: (frame: Uint8Array) => void;
}

export class SwitchCore implements FrameOutput, DnsHandler {
  readonly gateway = Address.of('10.0.3.1');
  readonly gateway6 = Address.of('fd00:736b:3::1');
  readonly prefixLength = 24;
  readonly prefixLength6 = 64;
  readonly #ports = new Map<number, SwitchPort>();
  readonly #stations = new Map<number, SwitchPort>();
  readonly #stack: Stack;
  readonly #device: ExternalDevice;
  readonly #pool = new PacketPool();
  #next = 2;

  constructor(random: RandomSource, mtu: number) {
    this.#stack = new Stack({ random });
    const udp = new Udp(this.#stack.host);
    this.#stack.register(udp);
    this.#device = new ExternalDevice({ output: this, address: OWN_MAC, mtu });
    const options = { name: 'switch', dadTransmits: 0, linkLocal: false, acceptRouterAdvertisements: false };
    const iface = this.#stack.addInterface(this.#device, options);
    this.#stack.addAddress(iface, this.gateway, this.prefixLength);
    this.#stack.addAddress(iface, this.gateway6, this.prefixLength6);
    new DnsServer(udp, null, this).listen(this.gateway);
    new DnsServer(udp, null, this, true).listen(this.gateway6);
  }

  /** A port for a member; null when the name is taken, or there are too many. */
  plug(name: string, send: (frame: Uint8Array) => void): SwitchPort | null {
    if (this.#ports.size >= MAX_PORTS || this.#named(name) !== null) return null;
    while (this.#ports.has(this.#next)) this.#next = this.#next >= 254 ? 2 : this.#next + 1;
    const number = this.#next++;
    if (this.#next > 254) this.#next = 2;
    const port = {
      name,
      address: Address.of(`10.0.3.${number}`),
      address6: Address.of(`fd00:736b:3::${number.toString(16)}`),
      mac: FIRST_MAC + number,
      send,
    };
    this.#ports.set(number, port);
    return port;
  }

  unplug(port: SwitchPort): void {
    for (const [number, held] of this.#ports) if (held === port) this.#ports.delete(number);
    for (const [mac, held] of this.#stations) if (held === port) this.#stations.delete(mac);
  }

  /** A frame from a member. */
  frameIn(from: SwitchPort, frame: Uint8Array): void {
    if (frame.length < 14) return;
    const source = macAt(frame, 6);
    if (!isGroup(source) && source !== OWN_MAC) this.#learn(source, from);
    const destination = macAt(frame, 0);
    const known = this.#stations.get(destination);
    if (destination === OWN_MAC) this.#take(frame);
    else if (known !== undefined && !isGroup(destination)) {
      if (known !== from) known.send(frame);
    } else {
      for (const port of this.#ports.values()) if (port !== from) port.send(frame);
      if (isGroup(destination)) this.#take(frame);
    }
  }

  /** Runs the switch's own stack; when it wants to be called again. Microseconds. */
  poll(now: number): number {
    return this.#stack.poll(now);
  }

  get members(): readonly SwitchPort[] {
    return [...this.#ports.values()];
  }

  // ── the switch's own station ──

  frameOut(packet: PacketBuffer): number {
    const frame = packet.toBytes();
    packet.release();
    const port = this.#stations.get(macAt(frame, 0));
    if (port !== undefined) port.send(frame);
    else for (const each of this.#ports.values()) each.send(frame);
    return 0;
  }

  answer({ name, type, class: kind }: DnsQuestion, _client: Address, reply: (reply: DnsReply) => void): void {
    const port = this.#named(name);
    if (port === null || kind !== DNS_IN) {
      reply({ code: DNS_NXDOMAIN, authoritative: true });
      return;
    }
    const address = type === DNS_A ? port.address : type === DNS_AAAA ? port.address6 : null;
    const answers =
      address === null
        ? []
        : [{ name, type, class: DNS_IN, ttl: TTL, data: { kind: 'address', address } as const }];
    reply({ code: DNS_NOERROR, answers, authoritative: true });
  }

  #take(frame: Uint8Array): void {
    this.#device.receive(this.#pool.copyOf(frame));
  }

  /** Nobody may take the place of another: a member's own address stays its own. */
  #learn(mac: number, from: SwitchPort): void {
    const held = this.#stations.get(mac);
    if (held === from) return;
    for (const port of this.#ports.values()) if (port.mac === mac && port !== from) return;
    let count = 0;
    for (const port of this.#stations.values()) if (port === from) count++;
    if (count < MAX_STATIONS) this.#stations.set(mac, from);
  }

  #named(name: string): SwitchPort | null {
    const wanted = name.toLowerCase();
    for (const port of this.#ports.values()) if (port.name.toLowerCase() === wanted) return port;
    return null;
  }
}

function macAt(frame: Uint8Array, at: number): number {
  let mac = 0;
  for (let i = 0; i < 6; i++) mac = mac * 256 + (frame[at + i] as number);
  return mac;
}

function isGroup(mac: number): boolean {
  return Math.floor(mac / 2 ** 40) % 2 === 1;
}
