// /proc/net, /proc/sys/net and /sys/class/net over the sandbox's network: what each file says is inet's business.
import { EINVAL } from '@sandbox-kernel/abi';
import {
  classNetFiles,
  classNetStatistics,
  type Internet,
  NET_FILES,
  netSysctls,
  type Sysctl,
} from '@sandbox-kernel/inet';
import { PseudoDirectory, PseudoFile, type PseudoNode } from '@sandbox-kernel/vfs';
import { GeneratedFile } from './generated-file.js';

/** The directory that every /proc/PID/net is. */
export function netDirectory(internet: Internet): PseudoDirectory {
  const directory = new PseudoDirectory();
  for (const [name, generate] of NET_FILES) directory.add(name, new GeneratedFile(internet, generate));
  return directory;
}

class SysctlFile extends PseudoFile {
  readonly #sysctl: Sysctl;

  constructor(sysctl: Sysctl) {
    super(sysctl.set === undefined ? 0o444 : 0o644);
    this.#sysctl = sysctl;
  }

  text(): string {
    return `${this.#sysctl.get()}\n`;
  }

  override write(text: string): number {
    const result = this.#sysctl.set?.(text.trim()) ?? -EINVAL;
    return result < 0 ? result : text.length;
  }
}

/** /proc/sys/net. */
export function netSysctlDirectory(internet: Internet): PseudoDirectory {
  const top = new PseudoDirectory();
  for (const sysctl of netSysctls(internet)) {
    const parts = sysctl.path.split('/');
    let directory = top;
    for (const part of parts.slice(0, -1)) {
      const below = directory.entry(part);
      if (below instanceof PseudoDirectory) directory = below;
      else {
        const made = new PseudoDirectory();
        directory.add(part, made);
        directory = made;
      }
    }
    directory.add(parts.at(-1) as string, new SysctlFile(sysctl));
  }
  return top;
}

/** /sys/class/net: interfaces come and go. */
export class ClassNetDirectory extends PseudoDirectory {
  readonly #internet: Internet;
  readonly #made = new Map<number, PseudoDirectory>();

  constructor(internet: Internet) {
    super();
    this.#internet = internet;
  }

  override find(name: string): PseudoNode | null {
    const iface = this.#internet.stack.network.interfaceList().find((each) => each.name === name);
    if (iface === undefined) return null;
    let directory = this.#made.get(iface.index);
    if (directory === undefined) {
      const statistics = new PseudoDirectory();
      for (const [file, text] of classNetStatistics(iface)) statistics.add(file, line(text));
      directory = new PseudoDirectory().add('statistics', statistics);
      for (const [file, text] of classNetFiles(iface)) directory.add(file, line(text));
      this.#made.set(iface.index, directory);
    }
    return directory;
  }

  override names(): string[] {
    return this.#internet.stack.network.interfaceList().map((iface) => iface.name);
  }
}

function line(text: () => string): PseudoFile {
  return new GeneratedFile(text, (generate) => `${generate()}\n`);
}
