// Netlink protocols that exist so that programs can listen: uevents (nothing ever happens), and the generic one, whose families are none.
import { EINVAL, ENOENT, EOPNOTSUPP, GENL_ID_CTRL, NLM_F_DUMP } from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import type { NetlinkRequest } from './message.js';
import type { NetlinkProtocol, NetlinkSocket } from './netlink-socket.js';

/** NETLINK_KOBJECT_UEVENT. */
export class UeventProtocol implements NetlinkProtocol {
  readonly groups = 1;
  readonly privileged = false;

  handle(): number {
    return -EOPNOTSUPP;
  }
}

/** NETLINK_GENERIC: the controller answers that there is no such family. */
export class GenericProtocol implements NetlinkProtocol {
  readonly groups = 32;
  readonly privileged = false;

  handle(_task: Task, socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.type !== GENL_ID_CTRL) return -ENOENT;
    if (request.body.length < 4) return -EINVAL;
    return (request.flags & NLM_F_DUMP) !== 0 ? socket.dump(request, []) : -ENOENT;
  }
}
