// The sentry process: started by the host API with the control channel on descriptor 3.
import { errnoName, SIGKILL, SYS_prctl } from '@sandbox-kernel/abi';
import { type HostSide, openHostSide } from '../boot/machine.js';
import { Sentry } from '../sentry.js';

const CONTROL_FD = 3;
const PR_SET_PDEATHSIG = 1;

/**
 * The host application's death ends the sentry at once, whatever it is doing, and with it every stub (PTRACE_O_EXITKILL). An
 * application that was gone before this call has closed the control channel, which the first receive notices.
 */
function dieWithParent(side: HostSide): void {
  const result = side.host.door.call(SYS_prctl, 0, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
  if (result < 0) throw new Error(`prctl(PR_SET_PDEATHSIG): ${errnoName(-result)}`);
}

function main(): void {
  const side = openHostSide();
  dieWithParent(side);
  new Sentry(side, CONTROL_FD).run();
}

main();
process.exit(0);
