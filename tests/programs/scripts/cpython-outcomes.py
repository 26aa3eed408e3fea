"""Runs modules of CPython's own test suite (libpython3-testsuite) and prints the outcome of every test, sorted: `ok`, `FAIL`, `ERROR` or
`skipped`. A test that fails is run again, at most twice: some hold time against limits that a loaded machine breaks. What the tests print
themselves goes nowhere, or to the file named by OUTCOMES_LOG."""

import os
import sys
import unittest

from test import support


class Outcomes(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.lines = {}
        self.details = []

    def note(self, test, outcome, error=None):
        # Repeated for subtests: the worst one stays.
        if self.lines.get(test.id(), 'ok') == 'ok':
            self.lines[test.id()] = outcome
        if error is not None:
            self.details.append(f'{outcome}: {test.id()}\n{self._exc_info_to_string(error, test)}')

    def addSuccess(self, test):
        self.note(test, 'ok')

    def addFailure(self, test, error):
        self.note(test, 'FAIL', error)

    def addError(self, test, error):
        self.note(test, 'ERROR', error)

    def addSkip(self, test, reason):
        self.note(test, 'skipped')

    def addExpectedFailure(self, test, error):
        self.note(test, 'ok')

    def addUnexpectedSuccess(self, test):
        self.note(test, 'FAIL')

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.note(test, 'FAIL', error)


def run_again(outcomes):
    for _ in range(2):
        failed = [test for test, outcome in outcomes.lines.items() if outcome in ('FAIL', 'ERROR')]
        # What failed before a test began (setUpClass) has no name to run it by.
        for name in [test for test in failed if test.startswith('test.')]:
            again = Outcomes()
            unittest.defaultTestLoader.loadTestsFromName(name).run(again)
            outcomes.lines[name] = again.lines.get(name, outcomes.lines[name])


def main():
    answer = os.fdopen(os.dup(1), 'w')
    sink = os.open(os.environ.get('OUTCOMES_LOG', '/dev/null'), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    # No tests that need the network, much memory or much time.
    support.use_resources = ['subprocess']
    for name in sys.argv[1:]:
        outcomes = Outcomes()
        unittest.defaultTestLoader.loadTestsFromName(f'test.{name}').run(outcomes)
        run_again(outcomes)
        support.reap_children()
        os.write(2, '\n'.join(outcomes.details).encode(errors='replace'))
        for test, outcome in sorted(outcomes.lines.items()):
            print(outcome, test, file=answer, flush=True)
    answer.flush()
    os._exit(0)


if __name__ == '__main__':
    main()
