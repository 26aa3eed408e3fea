// The table for people and the chart: one HTML file without scripts or network.
import type { Row } from './benchmark.js';

const time = (ns: number): string =>
  ns >= 1e9
    ? `${(ns / 1e9).toFixed(2)} s`
    : ns >= 1e6
      ? `${(ns / 1e6).toFixed(1)} ms`
      : ns >= 1e3
        ? `${(ns / 1e3).toFixed(2)} µs`
        : `${ns.toFixed(1)} ns`;

export function formatRow(row: Row): string {
  const name = `${row.benchmark.padEnd(24)} ${row.column.padEnd(16)}`;
  if (row.error !== undefined) return `${name} failed: ${row.error}`;
  const spread = `${row.low.toFixed(2)}–${row.high.toFixed(2)}`;
  return `${name} ${time(row.nativeNs).padStart(10)} ${time(row.sandboxNs).padStart(10)} ${row.ratio.toFixed(2).padStart(8)}×  (${spread})`;
}

const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function html(rows: readonly Row[]): string {
  const drawn = rows.filter((row) => row.error === undefined);
  const longest = Math.max(1, ...drawn.map((row) => Math.log10(Math.max(1, row.ratio))));
  const bar = (row: Row, index: number): string => {
    const width = Math.max(2, (Math.log10(Math.max(1, row.ratio)) / longest) * 420);
    const y = index * 22 + 4;
    const label = escapeHtml(`${row.benchmark} · ${row.column}`);
    const figure = `${row.ratio.toFixed(2)}× (${row.low.toFixed(2)}–${row.high.toFixed(2)})`;
    return `<text x="0" y="${y + 13}">${label}</text><rect x="300" y="${y}" width="${width.toFixed(0)}" height="16"/><text x="${(306 + width).toFixed(0)}" y="${y + 13}">${figure}</text>`;
  };
  const style = 'body{font:14px sans-serif}rect{fill:#4a78b5}text{font-size:13px}';
  const svg = `<svg width="900" height="${drawn.length * 22 + 8}" role="img">${drawn.map(bar).join('')}</svg>`;
  return `<!doctype html><meta charset="utf-8"><title>Sandbox Kernel benchmarks</title><style>${style}</style><h1>Ratio to native (logarithmic, shorter is better)</h1>${svg}\n`;
}
