// The vDSO in the memory file: pages of code that all programs share, and below them the page of parameters that the clock keeps.
import { CHUNK_SIZE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import type { MemoryFile as HostMemoryFile, TimeKeeper } from '@sandbox-kernel/host';
import type { VdsoImage } from '@sandbox-kernel/kernel';
import type { MemoryFile } from '@sandbox-kernel/mm';

export class Vdso implements VdsoImage {
  readonly offset: number;
  readonly size: number;
  readonly dataOffset: number;
  readonly dataSize: number;
  readonly #keeper: TimeKeeper;
  #chosen: boolean;

  constructor(keeper: TimeKeeper, dataOffset: number, size: number) {
    this.offset = dataOffset + PAGE_SIZE;
    this.size = size;
    this.dataOffset = dataOffset;
    this.dataSize = PAGE_SIZE;
    this.#keeper = keeper;
    this.#chosen = false;
  }

  processorsChosen(): void {
    if (this.#chosen) return;
    this.#chosen = true;
    this.#keeper.hideProcessor();
  }
}

/** Where the vDSO is put and kept; null when there is no room or no image. */
export function loadVdso(
  image: Uint8Array | null,
  keeper: TimeKeeper,
  pages: MemoryFile,
  file: HostMemoryFile,
  processors: number,
): Vdso | null {
  if (image === null) return null;
  const size = Math.ceil(image.length / PAGE_SIZE) * PAGE_SIZE;
  const at = pages.allocate(PAGE_SIZE + size);
  if (at < 0) return null;
  pages.chunk(at).set(image, (at % CHUNK_SIZE) + PAGE_SIZE);
  if (keeper.publish(file, at, processors) === 0) return new Vdso(keeper, at, size);
  pages.release(at, PAGE_SIZE + size);
  return null;
}
