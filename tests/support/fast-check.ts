// Setup of the property tests: one seed, so that a run can be had again. FAST_CHECK_SEED=N (or `random`) takes another; a failure prints its own.
import fc from 'fast-check';

const wanted = process.env['FAST_CHECK_SEED'] ?? '20240229';
fc.configureGlobal({ seed: wanted === 'random' ? Date.now() : Number(wanted) });
