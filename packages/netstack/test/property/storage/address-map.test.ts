import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { AddressMap } from '../../../src/storage/address-map.js';

it('an address map behaves as a map by text', () => {
  const command = fc.tuple(fc.boolean(), fc.nat(40), fc.nat(1000));
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const map = new AddressMap<number>();
      const model = new Map<string, number>();
      for (const [remove, key, value] of commands) {
        // A new object each time: equality must be by words.
        const address = new Address(0xfd000000, 0, 0, key * 0x10000);
        if (remove) expect(map.delete(address)).toBe(model.delete(String(address)));
        else {
          map.set(address, value);
          model.set(String(address), value);
        }
        expect(map.size).toBe(model.size);
      }
      for (let key = 0; key <= 40; key++) {
        const address = new Address(0xfd000000, 0, 0, key * 0x10000);
        expect(map.get(address)).toBe(model.get(String(address)) ?? null);
      }
      expect(map.list().sort()).toEqual([...model.values()].sort());
    }),
  );
});
