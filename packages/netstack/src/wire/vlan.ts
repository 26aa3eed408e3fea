// IEEE 802.1Q tags: four bytes between the source address and the EtherType.
import { ETHERTYPE_QINQ, ETHERTYPE_VLAN } from './protocols.js';

export const VLAN_TAG = 4;

export interface VlanTag {
  /** 0–7. */
  readonly priority: number;
  readonly dropEligible: boolean;
  /** 0–4095; 0 is a mere priority tag, 4095 is reserved. */
  readonly id: number;
  /** EtherType of what follows. */
  readonly etherType: number;
}

export function isVlanType(etherType: number): boolean {
  return etherType === ETHERTYPE_VLAN || etherType === ETHERTYPE_QINQ;
}

/** `start` is behind the tag's own EtherType: at the TCI. */
export function parseVlan(view: DataView, start: number, end: number): VlanTag | null {
  if (end - start < VLAN_TAG) return null;
  const tci = view.getUint16(start);
  return {
    priority: tci >>> 13,
    dropEligible: (tci & 0x1000) !== 0,
    id: tci & 0xfff,
    etherType: view.getUint16(start + 2),
  };
}

export function emitVlan(tag: VlanTag, view: DataView, at: number): number {
  view.setUint16(at, ((tag.priority & 7) << 13) | (tag.dropEligible ? 0x1000 : 0) | (tag.id & 0xfff));
  view.setUint16(at + 2, tag.etherType);
  return VLAN_TAG;
}
