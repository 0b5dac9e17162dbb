"""Intervals by kind of chemistry cover each kind; aims count the share of an interval in the target."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import DataError, NucleateError
from nucleate.properties.aims import Aim
from nucleate.properties.calibrated import calibrate
from nucleate.properties.chemistry import KINDS, kind_of, kinds_of
from nucleate.properties.conformal import ByKind, conformal_quantile
from nucleate.properties.evaluate import evaluate
from nucleate.properties.predict import predict
from tests.properties.small import fitted, labelled_table


@pytest.mark.parametrize(
    ("symbols", "kind"),
    [
        ("Mg O", "oxide"), ("Bi O Cl", "oxide"), ("Na Cl", "halide"), ("Zn S", "chalcogenide"), ("Ga N", "pnictide"),
        ("Ti C", "carbide or boride"), ("Cu Zn", "intermetallic"), ("Fe", "intermetallic"),
        ("C F", "halide"),
    ],
)  # fmt: skip
def test_kinds(symbols: str, kind: str) -> None:
    assert kind_of(ATOMIC_NUMBERS[one] for one in symbols.split()) == kind
    assert kind in KINDS


def drawn(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, list[str]]:
    """Errors of intermetallics are three times those of oxides."""
    kinds = ["oxide" if oxide else "intermetallic" for oxide in rng.random(rows) < 0.7]
    return np.abs(rng.normal(size=rows)) * np.where(np.array(kinds) == "oxide", 1, 3), kinds


def test_each_kind_is_covered_and_one_quantile_for_all_covers_none_rightly() -> None:
    rng = np.random.default_rng(3)
    fitted = ByKind.fit(*drawn(rng, 4000), 0.9)
    scores, kinds = drawn(rng, 20000)
    kind_of_row = np.array(kinds)
    for kind in ("oxide", "intermetallic"):
        mine = scores[kind_of_row == kind]
        quantile, warning = fitted.of(kind)
        assert (mine <= quantile).mean() == pytest.approx(0.9, abs=0.015)
        assert abs((mine <= fitted.overall).mean() - 0.9) > 0.03
        assert not warning
    assert fitted.quantiles["oxide"] == pytest.approx(1.645, abs=0.1)


def test_a_kind_of_few_rows_gets_the_widest_interval_and_a_warning() -> None:
    scores = np.concatenate([np.arange(100.0), [5.0] * 10])
    fitted = ByKind.fit(scores, ["oxide"] * 100 + ["halide"] * 10, 0.9)
    assert fitted.quantiles == {"oxide": conformal_quantile(np.arange(100.0), 0.9)}
    for kind, rows in (("halide", 10), ("pnictide", 0)):
        quantile, warning = fitted.of(kind)
        assert quantile == max(fitted.overall, fitted.quantiles["oxide"])
        assert f"{rows} crystals" in warning
    assert ByKind.from_dict(fitted.to_dict()) == fitted
    with pytest.raises(DataError, match="no conformal quantiles"):
        ByKind.from_dict({"confidence": 0.9})
    with pytest.raises(DataError, match="too few"):
        ByKind.fit(scores[:5], ["oxide"] * 5, 0.9)


@pytest.mark.parametrize(
    ("aim", "interval", "where"),
    [
        (Aim(low=1.0), (1.5, 2.0), "on target"),
        (Aim(low=1.0), (0.0, 0.9), "off target"),
        (Aim(low=1.0), (0.0, 1.5), "only uncertain"),  # the prediction, 0.75, misses it
        (Aim(low=1.0), (0.5, 1.6), "on target"),  # the prediction, 1.05, does not
        (Aim(low=1.0, share=1.0), (0.5, 1.6), "only uncertain"),
        (Aim(1.5, 2.5), (0.0, 4.0), "only uncertain"),  # right in the middle, and nothing known
        (Aim(1.5, 2.5), (1.4, 2.4), "on target"),
        (Aim(high=0.0), (-1.0, -0.5), "on target"),
        (Aim(1.5, 2.5), (2.0, 2.0), "on target"),
        (Aim(1.5, 2.5), (3.0, 3.0), "off target"),
    ],
)
def test_aims(aim: Aim, interval: tuple[float, float], where: str) -> None:
    assert aim.judge(*interval) == where


def test_the_share_is_that_of_random_points() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        low, high = np.sort(rng.normal(size=2))
        aim = Aim(*np.sort(rng.normal(size=2)).tolist())
        points = rng.uniform(low, high, 20000)
        expected = ((points >= aim.low) & (points <= aim.high)).mean()
        assert aim.inside(low, high) == pytest.approx(expected, abs=0.02)


def test_aims_that_hold_nothing() -> None:
    with pytest.raises(NucleateError, match="holds nothing"):
        Aim(2.0, 1.0)
    with pytest.raises(NucleateError, match="share"):
        Aim(0.0, math.inf, 0.0)


def test_a_calibrated_predictor_covers_each_kind() -> None:
    """Errors of one kind are made larger: the model's own intervals miss it, those by kind don't."""
    model = fitted()
    table = labelled_table(600, 3)
    kinds = np.array(kinds_of(table))
    counts = {kind: int((kinds == kind).sum()) for kind in set(kinds)}
    common = max(counts, key=lambda kind: counts[kind])
    truth = predict(model, table).value + np.random.default_rng(1).normal(0, 1, 600) * np.where(
        kinds == common, 5, 1
    )
    table = replace(table, properties={"hardness": truth})
    half, other = table.select(np.arange(300)), table.select(np.arange(300, 600))
    intervals = calibrate(model, half, 0.8)
    found = predict(model, other, intervals)
    inside = (found.low <= truth[300:]) & (truth[300:] <= found.high)
    mine = kinds[300:] == common
    assert inside[mine].mean() == pytest.approx(0.8, abs=0.1)
    assert inside[~mine].mean() == pytest.approx(0.8, abs=0.15) or len(intervals.quantiles) == 1
    rare = [kind for kind in counts if kind not in intervals.quantiles]
    assert any("no coverage" in warning for warning in found.warnings) == bool(set(rare) & set(kinds[300:]))
    assert predict(model, other).low.tolist() == predict(model, other, None).low.tolist()
    numbers = evaluate(model, other, {}).numbers["by_kind"]
    assert sum(one["crystals"] for one in numbers.values()) == 300
    assert numbers[common]["mae"] == pytest.approx(
        np.abs(predict(model, other).value - truth[300:])[mine].mean()
    )
