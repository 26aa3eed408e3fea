// Guest strings hold one character per byte; JSON and people write UTF-8.

export function latin1OfUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function utf8OfLatin1(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
