"""Conformance suites: what every implementation of a seam must do, ours and those of other packages.

    from nucleate.testing import ProcessCase, process_tests

    test_mine = process_tests([ProcessCase("mine", Mine(), points)])

For tests only: nothing in the package imports it. `*_tests` needs pytest, `*_checks` does not.
"""

from nucleate.testing.constraints import ConstraintCase, constraint_checks, constraint_tests
from nucleate.testing.generators import GeneratorCase, generator_checks, generator_tests
from nucleate.testing.methods import MethodCase, method_checks, method_tests
from nucleate.testing.potentials import PotentialCase, potential_checks, potential_tests
from nucleate.testing.process_case import (
    WAYS,
    Oracle,
    ProcessCase,
    Way,
    largest_difference,
    largest_difference_on_torus,
    means_and_squares,
    phases,
)
from nucleate.testing.processes import process_checks, process_tests
from nucleate.testing.silent import Silent
from nucleate.testing.stages import StageCase, stage_checks, stage_tests
from nucleate.testing.suite import Check

__all__ = [
    "Check", "ConstraintCase", "constraint_checks", "constraint_tests", "GeneratorCase", "generator_checks",
    "generator_tests", "MethodCase", "method_checks", "method_tests",
    "PotentialCase", "potential_checks", "potential_tests", "ProcessCase", "process_checks", "process_tests",
    "Oracle", "Way", "WAYS", "Silent", "largest_difference", "largest_difference_on_torus", "means_and_squares",
    "phases", "StageCase", "stage_checks", "stage_tests",
]  # fmt: skip
