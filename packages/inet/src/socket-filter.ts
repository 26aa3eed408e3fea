// The program that a socket's owner has attached (SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF, socket(7)), run over packets as they
// arrive.
import { BPF_MEMWORDS, type BpfProgram, FilteredPacket, runBpf } from '@sandbox-kernel/abi';
import type { PacketBuffer, PacketChooser, PacketFilter } from '@sandbox-kernel/netstack';
import { hardwareType } from './interface-ioctl.js';
import type { Internet } from './internet.js';
import { packetType } from './packet-type.js';

class ArrivedPacket extends FilteredPacket {
  readonly #internet: Internet;
  readonly #bytes: Uint8Array;

  constructor(internet: Internet) {
    super();
    this.#internet = internet;
    this.#bytes = new Uint8Array(4);
  }

  protected override random(): number {
    this.#internet.kernel.random.fill(this.#bytes, 0, 4);
    return new DataView(this.#bytes.buffer).getUint32(0);
  }
}

export class SocketFilter implements PacketFilter, PacketChooser {
  private readonly internet: Internet;
  private readonly program: BpfProgram;
  private readonly input: ArrivedPacket;
  private readonly memory: Uint32Array;

  constructor(internet: Internet, program: BpfProgram) {
    this.internet = internet;
    this.program = program;
    this.input = new ArrivedPacket(internet);
    this.memory = new Uint32Array(BPF_MEMWORDS);
  }

  acceptPacket(
    packet: PacketBuffer,
    start: number,
    interfaceIndex: number,
    etherType: number,
    outgoing: boolean,
  ): number {
    const packetKind = packetType(packet, outgoing);
    return Math.min(this.run(packet, start, interfaceIndex, etherType, packetKind), packet.end - start);
  }

  choosePacket(packet: PacketBuffer, start: number, interfaceIndex: number, etherType: number): number {
    return this.run(packet, start, interfaceIndex, etherType, packetType(packet, false));
  }

  private run(
    packet: PacketBuffer,
    start: number,
    interfaceIndex: number,
    etherType: number,
    packetKind: number,
  ): number {
    const { input } = this;
    const iface = this.internet.stack.network.interfaceByIndex(interfaceIndex);
    input.view = packet.view;
    input.start = start;
    input.end = packet.end;
    input.networkHeader = packet.networkOffset;
    input.linkHeader = packet.linkOffset;
    input.protocol = etherType;
    input.packetType = packetKind;
    input.interfaceIndex = interfaceIndex;
    input.hardwareType = iface === null ? 0 : hardwareType(iface);
    return runBpf(this.program, input, this.memory);
  }
}
