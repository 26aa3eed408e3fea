import { expect, test } from 'vitest';
import { mostInParcel, packetCharge, streamCharge } from '../../../src/socket/unix-charge.js';

// Measured on Linux with SIOCOUTQ after one write.
test.each([
  [0, 768],
  [192, 768],
  [193, 1280],
  [3776, 4352],
  [3777, 8448],
  [16_064, 16_640],
  [16_424, 20_736],
  [86_056, 102_656],
  [135_208, 200_960],
])('a packet of %i bytes counts for %i', (size, charge) => expect(packetCharge(size)).toBe(charge));

test.each([
  [1, 768],
  [3777, 4864],
  [4289, 5376],
  [20_161, 21_248],
  [36_544, 37_120],
])('%i bytes of a stream count for %i', (size, charge) => expect(streamCharge(size)).toBe(charge));

test('two parcels of a stream fit into the buffer, down to the smallest', () => {
  expect(mostInParcel(212_992)).toBe(36_544);
  expect(mostInParcel(4608)).toBe(2240);
  expect(mostInParcel(0)).toBe(1);
});
