// What passes lo, into the file of a CaptureDevice: a second interface there, without link headers. Each packet is written once, as it comes
// in; its checksums may be left open, as lo leaves them.
import type { CaptureSink } from '../link/capture-device.js';
import type { ReadinessOwner } from '../roles.js';
import type { Stack } from '../stack.js';
import { PACKET_LOOPBACK } from '../storage/packet-buffer.js';
import { emitInterface, emitPacket, LINKTYPE_RAW } from '../wire/pcapng.js';
import { ETHERTYPE_ALL } from '../wire/protocols.js';
import type { PacketEndpoint } from './packet-endpoint.js';

const SNAP_LENGTH = 0x40000;
const INBOUND = 1;

export class LoopbackCapture implements ReadinessOwner {
  private readonly sink: CaptureSink;
  private readonly interfaceId: number;
  private readonly endpoint: PacketEndpoint;

  /** `interfaceId`: how many interfaces the file has already. */
  constructor(stack: Stack, sink: CaptureSink, interfaceId: number) {
    this.sink = sink;
    this.interfaceId = interfaceId;
    const { index, name } = stack.network.loopback;
    sink.captured(emitInterface({ linkType: LINKTYPE_RAW, snapLength: SNAP_LENGTH }, name));
    this.endpoint = stack.packetEndpoint({
      etherType: ETHERTYPE_ALL,
      interfaceIndex: index,
      cooked: true,
      owner: this,
    });
  }

  endpointReady(): void {
    for (let packet = this.endpoint.receive(); packet !== null; packet = this.endpoint.receive()) {
      if ((packet.flags & PACKET_LOOPBACK) === 0) {
        const bytes = packet.bytes.subarray(packet.start, packet.end);
        const { interfaceId } = this;
        const block = emitPacket(
          { interfaceId, timestamp: packet.timestamp, originalLength: packet.length, bytes },
          INBOUND,
        );
        this.sink.captured(block);
      }
      packet.release();
    }
  }
}
