// Classic BPF programs as bytes: struct sock_filter, linux/filter.h.
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

export function assemble(program: readonly Instruction[]): DataView {
  const view = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(([code, jt, jf, k], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, jt);
    view.setUint8(i * 8 + 3, jf);
    view.setUint32(i * 8 + 4, k >>> 0, true);
  });
  return view;
}
