"""The learned ranking: attention against plain loops, verdicts against pymatgen, files, and that learning learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pymatgen.core import Lattice, Structure
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.errors import DataError
from nucleate.prototypes.attention import Attention
from nucleate.prototypes.attention_training import AttentionSettings, _loss, learn_attention, make_batch
from nucleate.prototypes.candidates import Families, candidates_of
from nucleate.prototypes.chemistry import element_vectors
from nucleate.prototypes.examples import Examiner
from nucleate.prototypes.features import NAMES, features
from nucleate.prototypes.files import read_index, write_index
from nucleate.prototypes.index import Index, index_of, merged
from nucleate.prototypes.ranking import load_ranking, save_ranking
from nucleate.prototypes.retrieve import Prototypes
from nucleate.prototypes.shipped import INDEX, RANKING
from nucleate.prototypes.training import RankingSettings, _questions, train_ranking
from nucleate.prototypes.volumes import Volumes
from nucleate.settings import to_dict
from tests.cli.words import assert_one_line, run

ALKALI, HALOGEN = ("Na", "K", "Rb"), ("Cl", "Br", "I")
HEAVY, ANION = ("Zn", "Cd", "Hg"), ("S", "Se", "Te")


def small_index() -> Index:
    """Halides in rock salt, chalcogenides in zinc blende, the same with half of the sites changed: two families."""
    rows = []
    for kind, cations, anions, place in (
        ("Fm-3m", ALKALI, HALOGEN, (0.5, 0.5, 0.5)), ("F-43m", HEAVY, ANION, (0.25, 0.25, 0.25)),
    ):  # fmt: skip
        for one in cations:
            for other in anions:
                cell = Structure.from_spacegroup(kind, Lattice.cubic(5.5), [one, other], [[0, 0, 0], place])
                rows.append((one + other, Cell.of(cell.get_primitive_structure()), {"e_above_hull": 0.01}))
    return index_of(make_tables({"train": rows})["train"], "small")


@pytest.fixture(scope="module")
def families() -> Families:
    return Families(small_index())


@pytest.fixture(scope="module")
def attention() -> Attention:
    return Attention(6.0 * element_vectors(), 0.5, 3.0)


def test_logits_are_weighted_distances_and_energies(families, attention):
    found = candidates_of(families, {37: 1, 17: 1}, "same", attention.distances)
    assert found is not None
    logits = attention.logits(found, families.index.energy[found.entries])
    for place in range(0, len(found), 7):
        new, old = found.elements[place], found.old[place]
        lengths = [
            np.linalg.norm(attention.vectors[a] - attention.vectors[b]) for a, b in zip(new, old, strict=True)
        ]
        assert logits[place] == pytest.approx(-np.mean(lengths) - 3.0 * 0.01, abs=2e-3)


def test_shares_of_groups_add_up_and_leave_the_formula_itself_out(families, attention):
    found = candidates_of(families, {19: 1, 17: 1}, "same", attention.distances)
    assert found is not None
    groups = features(found, families.index, attention, Volumes.of_index(families.index))
    assert groups.share.sum() == pytest.approx(1)
    assert groups.numbers.shape == (len(groups.best), len(NAMES))
    assert np.isfinite(groups.numbers).all()
    assert found.known.sum() == 1
    logits = np.exp(attention.logits(found, families.index.energy[found.entries]))
    label = families.index.label[found.entries]
    rock_salt = (label == "AB_cF8_225_a_b") & ~found.known
    expected = logits[rock_salt].sum() / logits[~found.known].sum()
    assert groups.share.max() == pytest.approx(expected, rel=1e-6)
    # both orders of roles of rock salt, and of zinc blende, are one group each
    assert len(groups.best) == 2


def test_the_loss_is_the_share_of_the_right_group(families, attention):
    """Against `features`, which counts shares in another way."""
    family = families.get((1, 1))
    assert family is not None
    settings = AttentionSettings(batch=1, entries=100)
    batch = make_batch(families, family, np.random.default_rng(3), settings)
    vectors, scalars = torch.tensor(attention.vectors), torch.tensor([0.5, 3.0], dtype=torch.float64)
    loss = _loss(vectors, scalars, batch)
    random = np.random.default_rng(3)
    entry = int(family.entries[random.permutation(random.permutation(len(family.entries))[:100])[0]])
    roles = families.index.roles(entry)
    composition = {int(z): 1 for z in families.index.elements[roles]}
    found = candidates_of(families, composition, "same", attention.distances)
    assert found is not None
    groups = features(found, families.index, attention, Volumes.of_index(families.index))
    own = groups.of[(found.entries == entry) & (found.elements == families.index.elements[roles]).all(1)][0]
    assert loss is not None
    assert loss.item() == pytest.approx(-np.log(groups.share[own]), abs=1e-5)


def test_learning_raises_the_share_of_the_right_prototype(families):
    losses = []
    settings = AttentionSettings(questions=1600, batch=8, rate=0.01)
    learn_attention(families, settings, lambda *told: losses.append(told[2]))
    assert losses[-1] < 0.7 * losses[0]


def test_verdicts_are_those_of_structure_matcher():
    index = read_index(INDEX).select(np.arange(300))
    matcher, verdicts = StructureMatcher(ltol=0.3, stol=0.5, angle_tol=10), set()
    for example in Examiner(Families(index), judged=4).examples(np.arange(12)):
        assert example.entry not in example.candidates.entries
        truth = index.cell(example.entry).to_structure()
        for place, verdict in enumerate(example.matches.tolist()):
            entry = int(example.candidates.entries[place])
            species = np.repeat(example.candidates.elements[place], index.counts[index.roles(entry)])
            other = index.cell(entry)._replace(species=species).to_structure()
            assert verdict == (matcher.get_rms_dist(other, truth) is not None)
            verdicts.add(verdict)
    assert verdicts == {True, False}


def test_training_from_a_file_ranks_and_its_file_gives_it_back(tmp_path):
    write_index(small_index(), tmp_path / "i.parquet")
    with pytest.raises(DataError, match="too few to learn from"):
        train_ranking(tmp_path / "i.parquet")
    path = tmp_path / "more.parquet"
    write_index(read_index(INDEX).select(np.arange(300)), path)
    settings = RankingSettings(AttentionSettings(questions=48), examples=25, steps=50)
    ranking, found = train_ranking(path, None, settings)
    assert found["examples"] > 10
    again, _ = train_ranking(path, None, settings)
    np.testing.assert_array_equal(ranking.hidden, again.hidden)
    save_ranking(ranking, tmp_path / "r.safetensors")
    read = load_ranking(tmp_path / "r.safetensors")
    numbers = np.random.default_rng(0).normal(size=(9, len(NAMES)))
    np.testing.assert_allclose(read.probability(numbers), ranking.probability(numbers), rtol=1e-4)


def test_cells_of_any_size_compete_in_a_ranking_for_them(tmp_path):
    """NiAs has cells of four atoms, rock salt of two: a question of either has the other among its candidates."""
    rows = []
    for one in ALKALI:
        for other in HALOGEN:
            cell = Structure.from_spacegroup(
                "P6_3/mmc", Lattice.hexagonal(3.8, 5.5), [one, other], [[0, 0, 0], [1 / 3, 2 / 3, 0.25]]
            )
            rows.append((f"{one}{other} NiAs", Cell.of(cell), {"e_above_hull": 0.02}))
    index = merged([small_index(), index_of(make_tables({"train": rows})["train"], "mpts_52")])
    families = Families(index)
    salt, hexagonal = index.names.index("NaCl"), index.names.index("NaCl NiAs")
    for entry, sizes in (salt, {2}), (hexagonal, {4}):
        same = Examiner(families, "same").candidates(entry)
        every = Examiner(families, "any").candidates(entry)
        assert same is not None
        assert every is not None
        assert set(index.sizes[same.entries].tolist()) == sizes
        assert set(index.sizes[every.entries].tolist()) == {2, 4}
        assert entry not in every.entries
    # of 18 and 9 entries, those of the second kind stand for five each
    chosen = [
        _questions(index, RankingSettings(cells="any", examples=1, seed=seed))[0] for seed in range(200)
    ]
    assert np.mean(index.source[chosen] == "mpts_52") == pytest.approx(45 / 63, abs=0.1)
    path = tmp_path / "i.parquet"
    write_index(merged([index, read_index(INDEX).select(np.arange(300))]), path)
    settings = RankingSettings(AttentionSettings(questions=48), "any", examples=25, steps=50)
    ranking, found = train_ranking(path, ["small", "mpts_52", "mp_20"], settings)
    assert found["examples"] > 10
    asked = Prototypes(index, None, ranking).propose({11: 1, 17: 1}, cells="any")
    assert all(0 < one.score < 1 for one in asked)
    assert all(one.score <= 0 for one in Prototypes(index, None, ranking).propose({11: 1, 17: 1}))


def test_a_kind_of_cells_that_there_is_not_is_refused(monkeypatch, tmp_path, capsys):
    words = ("prototypes", "train", INDEX, "--cells", "large", "--out", tmp_path / "r.safetensors")
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, "--cells must be same or any; got large")
    assert not list(tmp_path.iterdir())


def test_settings_of_training_can_be_written():
    assert to_dict(RankingSettings())["attention"]["batch"] == AttentionSettings().batch


def test_broken_files_of_rankings(tmp_path):
    path = tmp_path / "r.safetensors"
    with pytest.raises(DataError, match="no ranking of prototypes"):
        load_ranking(path)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="no ranking that can be read"):
        load_ranking(path)


def test_the_shipped_ranking_is_small_and_answers_with_probabilities():
    assert RANKING.stat().st_size < 50_000
    prototypes = Prototypes.open(sources={"mp_20"})
    found = prototypes.propose({11: 1, 17: 1}, 3, known="other")
    assert all(0 <= one.score <= 1 for one in found)
    assert found[0].prototype == "AB_cF8_225_a_b"
    assert found[0].score > 0.5
