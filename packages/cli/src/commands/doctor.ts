// `sandbox-cli doctor`: what this machine allows, what is missing, and how to mend it.
import { diagnose, type Finding } from '@sandbox-kernel/sentry';
import { optionHelp } from '../help.js';
import { DOCTOR_OPTIONS } from '../option-table.js';
import { parseOptions } from '../parse-options.js';

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: '+', missing: '-', optional: '.' };

/** Prints the findings. Exit code 0 when programs can be run, 1 when not. */
export async function doctor(words: readonly string[]): Promise<number> {
  const options = parseOptions(words, DOCTOR_OPTIONS);
  if (options.flags.has('help')) {
    process.stdout.write(`Usage: sandbox-cli doctor [options]\n\n${optionHelp(DOCTOR_OPTIONS)}\n`);
    return 0;
  }
  const findings = await diagnose();
  const usable = findings.every((finding) => finding.state !== 'missing');
  if (options.flags.has('json')) process.stdout.write(`${JSON.stringify({ usable, findings })}\n`);
  else process.stdout.write(`${findings.map(line).join('\n')}\n${summary(usable)}\n`);
  return usable ? 0 : 1;
}

function line(finding: Finding): string {
  const mend = finding.mend === undefined ? '' : `\n      ${finding.mend}`;
  return `${MARKS[finding.state]} ${finding.name.padEnd(20)} ${finding.detail}${mend}`;
}

function summary(usable: boolean): string {
  return usable
    ? 'This machine can run sandboxes.'
    : 'This machine can not run sandboxes yet: see the lines marked -.';
}
