// What a message counts for in its sender's buffer (socket(7), SO_SNDBUF: "the kernel doubles this value to allow space for bookkeeping
// overhead"): programs see the sums in SIOCOUTQ, in how much fits, and in when poll(2) says that there is room. Measured on Linux: the head of
// a message is a power of two with a fixed overhead, the rest are pages.

const PAGE = 4096;
/** struct sk_buff, and struct skb_shared_info behind its data. */
const HEAD_OVERHEAD = 256;
const SHARED_INFO = 320;
const SMALLEST_HEAD = 512;
/** Data in a head of one page, and of the 16 KiB that a packet may have in one piece. */
const PAGE_HEAD = PAGE - SHARED_INFO;
const PACKET_HEAD = 4 * PAGE - SHARED_INFO;
/** Most of one message that is in pages: 8 for a stream, 17 for a packet. */
const STREAM_PAGES = 8 * PAGE;
const PACKET_PAGES = 17 * PAGE;

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

function headCharge(bytes: number): number {
  let size = SMALLEST_HEAD;
  while (size < bytes + SHARED_INFO) size *= 2;
  return size + HEAD_OVERHEAD;
}

/** Most bytes of a stream that are one message: two of them fit into the buffer. */
export function mostInParcel(sendBuffer: number): number {
  return Math.max(Math.min((sendBuffer >>> 1) - 64, PAGE_HEAD + STREAM_PAGES), 1);
}

export function streamCharge(bytes: number): number {
  const paged = Math.min(bytes, pages(Math.max(0, bytes - PAGE_HEAD)));
  return headCharge(bytes - paged) + pages(paged);
}

export function packetCharge(bytes: number): number {
  const paged = bytes > PACKET_HEAD ? pages(Math.min(bytes - PACKET_HEAD, PACKET_PAGES)) : 0;
  return headCharge(bytes - paged) + paged;
}
