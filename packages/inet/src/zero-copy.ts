// MSG_ZEROCOPY (Documentation/networking/msg_zerocopy): each send gets a number, and the error queue tells when its buffer may be used again.
// Bytes are always copied here, so that is at once, and the notices say so (SO_EE_CODE_ZEROCOPY_COPIED). Neighbours are told as a range.
import { IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPV6_RECVERR, MSG_ERRQUEUE } from '@sandbox-kernel/abi';
import type { SocketMessage } from '@sandbox-kernel/kernel';
import { viewOf } from './option-bytes.js';

const SO_EE_ORIGIN_ZEROCOPY = 5;
const SO_EE_CODE_ZEROCOPY_COPIED = 1;
/** struct sock_extended_err, and room for the address of an offender. */
const ERROR_SIZE = 16;
const OFFENDER4 = 16;
const OFFENDER6 = 28;

export class ZeroCopyNotices {
  private next: number;
  private told: number;

  constructor() {
    this.next = 0;
    this.told = 0;
  }

  get pending(): boolean {
    return this.told !== this.next;
  }

  /** A send is done with its buffer. */
  note(): void {
    this.next = (this.next + 1) >>> 0;
  }

  /** Attaches what has not been told. Pre: `pending`. */
  take(message: SocketMessage, isV6: boolean): void {
    const bytes = new Uint8Array(ERROR_SIZE + (isV6 ? OFFENDER6 : OFFENDER4));
    const view = viewOf(bytes);
    bytes[4] = SO_EE_ORIGIN_ZEROCOPY;
    bytes[6] = SO_EE_CODE_ZEROCOPY_COPIED;
    view.setUint32(8, this.told, true);
    view.setUint32(12, (this.next - 1) >>> 0, true);
    this.told = this.next;
    message.outFlags |= MSG_ERRQUEUE;
    message.addControl(isV6 ? IPPROTO_IPV6 : IPPROTO_IP, isV6 ? IPV6_RECVERR : IP_RECVERR, bytes);
  }
}
