// What a network interface demands of a link device, and what a device demands of whoever attached to it.
// A device never delivers from inside transmit(): it queues, says so through `work`, and delivers in poll(). So two stacks
// joined by a link can't recurse into each other.
import type { PacketBuffer } from '../storage/packet-buffer.js';

/** Frames begin with an Ethernet header. */
export const MEDIUM_ETHERNET = 1;
/** Packets begin with the IP header: loopback, tun, PPP-like links. */
export const MEDIUM_IP = 2;

/** The device completes CHECKSUM_PARTIAL, or hands it on to a peer that does not need it. */
export const FEATURE_CHECKSUM = 1 << 0;
/** It takes trains of TCP segments. */
export const FEATURE_TSO = 1 << 1;
/** It takes trains of UDP datagrams. */
export const FEATURE_USO = 1 << 2;
/** Packets do not leave this stack. */
export const FEATURE_LOOPBACK = 1 << 3;
export const FEATURE_ALL_OFFLOADS = FEATURE_CHECKSUM | FEATURE_TSO | FEATURE_USO;

/** Who attached to a device: an interface of a stack, a bridge, a VLAN trunk, a decorator. */
export interface LinkSink {
  /** Takes ownership of `packet`, whose start is at the link header (or the IP header). Called from device.poll or input. */
  linkInput(packet: PacketBuffer, device: LinkDevice): void;
  /** Carrier, MTU or address changed. */
  linkChanged(device: LinkDevice): void;
  /** The device has work for poll(): called from transmit of a peer. Must only take a note of it. */
  linkWork(device: LinkDevice): void;
}

export interface LinkDevice {
  readonly medium: number;
  /** Hardware address; 0 on MEDIUM_IP. */
  readonly address: number;
  /** Largest IP packet. */
  readonly mtu: number;
  /** FEATURE_* bits. */
  readonly features: number;
  readonly carrier: boolean;

  /** At most one sink; null detaches. */
  attach(sink: LinkSink | null): void;
  /** Takes ownership always. Returns 0, -ENOBUFS when the queue is full, -ENETDOWN without carrier. */
  transmit(packet: PacketBuffer, now: number): number;
  /** Delivers what has come in and does timed work; returns when it wants to be called next (Infinity: when there is work). */
  poll(now: number): number;
}
