// Time in the transport layer is a number of microseconds on the stack's clock.

export const MS = 1000;
export const SECOND = 1_000_000;
