// Servers on 127.0.0.1 that tests talk to.
import { createSocket, type Socket } from 'node:dgram';
import { type AddressInfo, createServer, type Socket as NetSocket, type Server } from 'node:net';
import {
  Address,
  DNS_A,
  DNS_AAAA,
  DNS_CNAME,
  type DnsRecord,
  EMPTY_DNS_MESSAGE,
  emitDns,
  parseDns,
} from '@sandbox-kernel/netstack';

export interface Running {
  readonly port: number;
  close(): Promise<void>;
}

export function streamServer(
  onConnection: (socket: NetSocket) => void,
  port = 0,
): Promise<Running & { readonly server: Server; readonly sockets: Set<NetSocket> }> {
  const sockets = new Set<NetSocket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return new Promise((resolve) =>
    server.listen(port, '127.0.0.1', 1024, () =>
      resolve({ server, sockets, port: (server.address() as AddressInfo).port, close }),
    ),
  );
}

export function datagramServer(
  onMessage: (bytes: Buffer, reply: (answer: Uint8Array) => void) => void,
): Promise<Running & { readonly socket: Socket }> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) =>
    onMessage(bytes, (answer) => socket.send(answer, from.port, from.address)),
  );
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return new Promise((resolve) =>
    socket.bind(0, '127.0.0.1', () => resolve({ socket, port: socket.address().port, close })),
  );
}

/** A name server: `NAME` to addresses, or `cname:TARGET`. Counts what it was asked. */
export async function nameServer(
  names: Readonly<Record<string, readonly string[]>>,
  ttl = 60,
): Promise<Running & { readonly asked: string[]; readonly names: Record<string, readonly string[]> }> {
  const asked: string[] = [];
  const table = { ...names };
  const recordsOf = (name: string, type: number): DnsRecord[] =>
    (table[name] ?? []).flatMap((text): DnsRecord[] => {
      if (text.startsWith('cname:')) {
        const target = text.slice(6);
        const data = { kind: 'name', name: target } as const;
        return [{ name, type: DNS_CNAME, class: 1, ttl, data }, ...recordsOf(target, type)];
      }
      const address = Address.of(text);
      const own = address.isV4 ? DNS_A : DNS_AAAA;
      return own === type ? [{ name, type, class: 1, ttl, data: { kind: 'address', address } }] : [];
    });
  const running = await datagramServer((bytes, reply) => {
    const query = parseDns(bytes);
    const question = query?.questions[0];
    if (query === null || question === undefined) return;
    asked.push(question.name);
    const answers = recordsOf(question.name, question.type);
    const code = table[question.name] === undefined ? 3 : 0;
    reply(
      emitDns({
        ...EMPTY_DNS_MESSAGE,
        id: query.id,
        response: true,
        code,
        questions: query.questions,
        answers,
      }),
    );
  });
  return { port: running.port, close: running.close, asked, names: table };
}
