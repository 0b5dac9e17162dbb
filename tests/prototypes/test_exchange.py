"""Partial substitution: probabilities against pymatgen, choices up to symmetry against Burnside, what comes out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from pymatgen.core.structure_prediction.substitution_probability import SubstitutionProbability
from typer.testing import CliRunner

from nucleate.cli.main import app
from nucleate.elements import SYMBOLS
from nucleate.errors import NucleateError
from nucleate.prototypes.exchange import Exchange, ExchangeSettings
from nucleate.prototypes.exchange_generator import ExchangeGenerator
from nucleate.prototypes.files import read_index
from nucleate.prototypes.groupings import first_of_its_kind
from nucleate.prototypes.ions import hautier
from nucleate.prototypes.shipped import INDEX
from nucleate.prototypes.volumes import Volumes
from nucleate.records.crystal_files import read_headers
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import new_requests
from nucleate.testing import GeneratorCase, generator_tests


@pytest.fixture(scope="module")
def index():
    return read_index(INDEX).of_sources({"mp_20"}).select(np.arange(500))


INDEX_OF_TESTS = read_index(INDEX).of_sources({"mp_20"}).select(np.arange(200))
REQUESTS = new_requests([4, 8, 6, 12, 5], ExchangeGenerator(INDEX_OF_TESTS).limits)
test_conformance = generator_tests(
    [GeneratorCase("substitution", ExchangeGenerator(INDEX_OF_TESTS), REQUESTS, tolerance=0)]
)


def test_probabilities_are_those_of_pymatgen_with_the_floor_of_gnome():
    ions = hautier()
    theirs = SubstitutionProbability.__wrapped__ if hasattr(SubstitutionProbability, "__wrapped__") else None
    table = SubstitutionProbability()._lambda_table
    floored = [
        [one, other, max(float(value), 0.0)] for one, other, value in table if "D1+" not in (one, other)
    ]
    known = (theirs or SubstitutionProbability)(lambda_table=floored, alpha=0)
    for new, old in (("K+", "Na+"), ("S2-", "O2-"), ("Fe3+", "Al3+"), ("U4+", "Na+")):
        places = [ions.ions.index(_ion(one)) for one in (new, old)]
        assert ions.given[places[0], places[1]] == pytest.approx(known.cond_prob(new, old), rel=1e-6)
    np.testing.assert_allclose(ions.given.sum(0), 1)
    np.testing.assert_allclose(ions.elements[:, 1:].sum(0), 1)
    assert (np.diag(ions.elements) == 0).all()


def _ion(text: str) -> tuple[int, float]:
    from pymatgen.core import Species

    one = Species.from_str(text)
    return one.Z, one.oxi_state


def test_charges_are_neutral_and_common():
    ions = hautier()
    assert ions.charges({38: 1, 22: 1, 8: 3}) == {38: 2, 22: 4, 8: -2}
    assert ions.charges({11: 1, 17: 1}) == {11: 1, 17: -1}
    assert ions.charges({79: 1, 22: 3}) is None


def test_elements_of_a_charge_replace_each_other():
    ions = hautier()
    numbers, shares = ions.instead_of(11, 1.0, 1e-3)
    assert shares.sum() == pytest.approx(1)
    assert SYMBOLS[numbers[shares.argmax()]] == "K"
    assert set(numbers.tolist()) <= {z for z, charge in ions.ions if charge == 1.0} - {11}


@pytest.mark.parametrize(
    "label", ["ABC3_cP5_221_a_b_c", "ABC3_oP20_62_a_c_cd", "AB_hP4_186_b_b", "AB2_tP6_136_a_f"]
)
def test_the_number_of_choices_is_that_of_burnside(label):
    index = read_index(INDEX)
    entry = int(np.flatnonzero(index.label == label)[0])
    cell = index.cell(entry)
    images = index.template(entry).images
    assert (np.sort(images, 1) == np.arange(len(cell.species))).all()
    atoms = np.flatnonzero(cell.species == cell.species[-1])
    for count in range(1, min(len(atoms), 4) + 1):
        kinds = {first_of_its_kind(np.array(one), images) for one in combinations(atoms.tolist(), count)}
        fixed = 0
        for row in images:
            fixed += sum(
                {int(row[i]) for i in one} == set(one) for one in combinations(atoms.tolist(), count)
            )
        assert len(kinds) == fixed / len(images)


@pytest.mark.parametrize("partial", ["atoms", "orbits", "none"])
@pytest.mark.parametrize("charges", [True, False])
def test_exchanged_crystals_are_new_and_as_requested(index, partial, charges):
    settings = ExchangeSettings(charges=charges, partial=partial, whole=0.3)
    exchange = Exchange(index, hautier(), Volumes.of_index(index), settings)
    formulas = {index.cell(entry).formula for entry in range(len(index))}
    random, partly = np.random.default_rng(0), 0
    for _ in range(12):
        found = exchange.draw(np.arange(len(index)), random)
        assert found is not None
        parent, cell = index.cell(found.parent), found.entry.cell
        assert cell.formula not in formulas
        assert len(cell.species) == len(parent.species)
        old, new = Counter(parent.species.tolist()), Counter(cell.species.tolist())
        assert sum((old - new).values()) <= found.replaced
        gone = [z for z in old if new[z] < old[z]]
        partly += any(new[z] for z in gone)
        if partial == "none":
            assert found.replaced == sum(old[z] for z in gone) or any(new[z] for z in gone)
        if charges:
            assert hautier().charges(new) is not None
        assert 0.3 < cell.volume / parent.volume < 3
    assert (partly > 0) == (partial != "none") or partial == "orbits"


def test_repeats_are_left_out_and_remembered(index, tmp_path):
    rock_salt = np.flatnonzero(index.label == "AB_cF8_225_a_b").tolist()
    ionic = [
        i for i in rock_salt if hautier().charges(dict.fromkeys(index.elements[index.roles(i)].tolist(), 1))
    ]
    small = index.select(np.array(ionic[:2]))
    settings = ExchangeSettings(partial="none", two=0.0, charges=True, new=False)
    generator = ExchangeGenerator(small, without_repeats=True)
    requests = new_requests([2] * 60, generator.limits)
    answers = [one for batch in generator.draw(requests, settings, seed=0) for one in batch]
    made = [one.origin["same"] for one in answers if isinstance(one, Generated)]
    assert 0 < len(made) < 60
    assert len(set(made)) == len(made)
    (tmp_path / "generated.extxyz").write_text(
        f'1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 same={made[0]} key=1\nNa 0 0 0\n'
    )
    again = ExchangeGenerator(small, without_repeats=True)
    again.remember(tmp_path)
    answers = [one for batch in again.draw(requests, settings, seed=0) for one in batch]
    assert made[0] not in {one.origin["same"] for one in answers if isinstance(one, Generated)}


def test_impossible_exchange_settings_are_refused():
    with pytest.raises(NucleateError):
        ExchangeSettings(whole=1.5)
    with pytest.raises(NucleateError):
        ExchangeSettings(tries=0)


def test_the_command_makes_resumes_and_refuses(tmp_path):
    out = tmp_path / "out"
    words = [
        "substitute",
        "-n",
        "6",
        "--sources",
        "mp_20",
        "--atoms",
        "2-6",
        "--out",
        str(out),
        "--format",
        "extxyz",
    ]
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    headers = [header for header, _ in read_headers(out / "generated.extxyz")]
    assert len(headers) == 6
    assert all(header["parent"].startswith("mp_20:mp-") for header in headers)
    written = (out / "generated.extxyz").read_bytes()
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (out / "generated.extxyz").read_bytes() == written
    for more, said in (
        (["--sources", "mp_99"], "no source 'mp_99'"), (["--partial", "some"], "partial"), (["--seed", "1"], "seed"),
    ):  # fmt: skip
        failed = CliRunner().invoke(app, [*words, *more])
        assert failed.exit_code != 0
        assert said in str(failed.exception)


def test_exchanges_within_an_element_system(index):
    generator = ExchangeGenerator(index)
    system, metals = (3, 8, 25), (3, 11, 19)
    asked = [
        replace(one, allowed=system, required=(3, 8)) for one in new_requests([4, 6, 8, 10], generator.limits)
    ]
    asked += [replace(one, allowed=metals, name="metals") for one in new_requests([2, 4], generator.limits)]
    made = [one for batch in generator.draw(asked, seed=1) for one in batch]
    drawn = [one for one in made if isinstance(one, Generated)]
    assert len(drawn) >= 4
    for one in drawn:
        found = set(one.crystal.species[0].tolist())
        assert found <= set(one.request.allowed)
        assert found >= set(one.request.required)


def test_known_crystals_near_an_element_system(index):
    exchange = Exchange(index, hautier(), Volumes.of_index(index), ExchangeSettings())
    everything = np.arange(len(index))
    near = set(exchange.near(everything, (3, 8)).tolist())
    for entry in range(0, len(index), max(1, len(index) // 200)):
        strange = set(index.elements[index.roles(entry)].tolist()) - {3, 8}
        assert (entry in near) == (len(strange) <= 2)
