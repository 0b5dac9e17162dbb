"""Every number of every settings dataclass has bounds: nan, inf, a negative or a huge one is refused in one sentence;
nothing hangs or takes all memory."""

import math
import typing

import pytest

from nucleate.data.importing import ImportSettings
from nucleate.data.parse import CellSettings
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import NucleateError
from nucleate.metrics.csp.evaluate import CspSettings
from nucleate.metrics.dng.coverage import CoverageSettings
from nucleate.metrics.dng.distributions import DistributionSettings
from nucleate.metrics.dng.diversity import DiversitySettings
from nucleate.metrics.dng.equivalence import EquivalenceSettings
from nucleate.metrics.dng.fingerprints import FingerprintSettings
from nucleate.metrics.dng.settings import DngSettings
from nucleate.metrics.dng.stability import StabilitySettings
from nucleate.metrics.dng.validity import ValiditySettings
from nucleate.metrics.matching import Matcher
from nucleate.recipes.registry import get_recipe, recipes
from nucleate.rewards.gates import Gates
from nucleate.settings import from_dict, to_dict
from nucleate.tuning.settings import PolicySettings, SequencesSettings, WeightedSettings

STRANGE = (math.nan, math.inf, -math.inf, -1, 1e30, 10**30)
JUDGES = (
    CellSettings, ImportSettings, RelaxSettings, CspSettings, DngSettings, CoverageSettings, DistributionSettings,
    DiversitySettings, FingerprintSettings, EquivalenceSettings, StabilitySettings, ValiditySettings, Matcher,
    Gates, WeightedSettings, PolicySettings, SequencesSettings,
)  # fmt: skip
ONE_OF_EACH_KIND = ("kldm-dng-masked-small", "kldm-dng-bits", "diffcsp-dng-tiny", "omatg-dng", "flowmm-dng-tiny",
                    "cross-mini")  # fmt: skip


def numbers(values, where=""):
    """Names of all numbers in nested settings."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{where}{name}.")
        elif type(value) in (int, float):
            yield f"{where}{name}"


CASES = [(name, key) for name in ONE_OF_EACH_KIND for key in numbers(to_dict(recipes()[name]))]


@pytest.mark.parametrize(("name", "key"), CASES)
def test_recipes_refuse_impossible_values(name, key):
    for value in STRANGE:
        with pytest.raises(NucleateError) as caught:
            get_recipe(name, [f"{key}={value}"]).build()
        assert key.rpartition(".")[2] in caught.value.message
        assert caught.value.hint


MEANT = {"far_below": (-math.inf, -1)}
"""Strange values that a setting has a use for: every energy below the hull is believed, or those above -1 eV/atom."""


def plain_numbers():
    for kind in JUDGES:
        for name, hint in typing.get_type_hints(kind).items():
            options = set(typing.get_args(hint)) or {hint}
            if options & {int, float} and typing.get_origin(hint) is not tuple:
                values = STRANGE if float in options else (-1, 10**30)
                yield kind, name, tuple(value for value in values if value not in MEANT.get(name, ()))


@pytest.mark.parametrize(("kind", "name", "values"), plain_numbers())
def test_judges_refuse_impossible_values(kind, name, values):
    for value in values:
        with pytest.raises(NucleateError) as caught:
            kind(**{name: value})
        assert str(value) in str(caught.value)
        assert caught.value.hint


def test_a_whole_number_too_large_for_a_float_is_refused():
    with pytest.raises(NucleateError, match="is not a number"):
        from_dict(type(recipes()["kldm-csp"]), {"name": "kldm-csp", "training": {"clip": 10**400}})
