"""SIGKILL at any moment loses at most the batch under way: the ledger in the end is that of an undisturbed run."""

import pytest

from tests.funnel.killing import kill

PROGRAM = "tests.funnel.killed"


def test_killed_runs_end_as_undisturbed_ones(tmp_path):
    assert kill(PROGRAM, tmp_path, 6, 0).startswith("6 kills")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_hundred_kills(tmp_path):
    told = kill(PROGRAM, tmp_path, 100, 1)
    assert told.startswith("100 kills")
