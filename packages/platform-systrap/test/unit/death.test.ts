// No process outlives the sentry, whenever and however it dies; and the platform runs for an ordinary user.
import { fileURLToPath } from 'node:url';
import { deathSuite } from '../../../platform-stub/test/support/death.js';

deathSuite(fileURLToPath(new URL('../churn.ts', import.meta.url)));
