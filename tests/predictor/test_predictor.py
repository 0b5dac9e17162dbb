"""The Python door: loading, predicting, and that a seed and a request decide the crystal."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pymatgen.core import Composition, Structure

import nucleate
from nucleate.cli.options import sampler_of
from nucleate.errors import FormulaError, ModelError, NucleateError
from nucleate.predictor import Predictor, load
from nucleate.sampling.generate import generate
from nucleate.sampling.request import formula_requests
from nucleate.sampling.settings import SamplerSettings
from tests.models import tiny_model


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load(tiny_model(tmp_path_factory.mktemp("tiny") / "tiny"), device="cpu")


def test_predict_gives_structures_with_their_origin(predictor):
    structures = predictor.predict("SrTiO3", n=3, seed=5, formula_units=1)
    assert [s.composition for s in structures] == [Composition("SrTiO3")] * 3
    assert [s.properties["sample"] for s in structures] == [0, 1, 2]
    assert structures[0].properties["seed"] == 5
    assert structures[0].properties["nfe"] == 12
    assert structures[0].properties["model"] == "tiny"


def test_same_seed_same_crystal_however_many_are_asked_for(predictor):
    few = predictor.predict("NaCl", n=1, seed=1, formula_units=2)[0]
    many = predictor.predict(["SrTiO3", "NaCl"], n=7, seed=1, formula_units=2)[7]
    other = predictor.predict("NaCl", n=1, seed=2, formula_units=2)[0]
    assert many.composition == few.composition
    np.testing.assert_allclose(few.lattice.matrix, many.lattice.matrix, atol=1e-4)
    np.testing.assert_allclose(few.frac_coords, many.frac_coords, atol=1e-4)
    assert np.abs(few.frac_coords - other.frac_coords).max() > 1e-2


def test_batch_size_does_not_change_a_crystal(predictor):
    requests = formula_requests(["NaCl", "SrTiO3", "Na2O"], 4, predictor.limits, (1, 2))
    runs = []
    for edges in (100_000, 60):
        batches = generate(predictor.model, requests, predictor.recipe.sampler, 0, edges=edges)
        runs.append({one.request.key: one.crystal for batch in batches for one in batch})
    for key, crystal in runs[0].items():
        torch.testing.assert_close(crystal.lattice, runs[1][key].lattice, atol=1e-4, rtol=1e-4)
        turn = (crystal.frac - runs[1][key].frac + 0.5) % 1 - 0.5
        assert turn.abs().max() < 1e-4


def test_a_formula_is_repaired_with_a_warning(predictor):
    with pytest.warns(UserWarning, match="'SrTiO₃' is read as SrTiO3"):
        (structure,) = predictor.predict("SrTiO₃", formula_units=1)
    assert structure.composition == Composition("SrTiO3")
    with pytest.raises(FormulaError, match="Xx"):
        predictor.predict("Xx")


def test_takes_and_gives_ase_atoms_and_pymatgen_structures(predictor):
    structure = predictor.predict("NaCl", formula_units=1)[0]
    atoms = predictor.predict_atoms(structure, seed=3, formula_units=1)[0]
    again = predictor.predict_atoms(atoms, seed=3, formula_units=1)[0]
    assert atoms.get_chemical_formula() == "ClNa"
    assert atoms.pbc.all()
    assert atoms.info["model"] == "tiny"
    np.testing.assert_allclose(atoms.positions, again.positions, atol=1e-5)
    assert isinstance(predictor.predict(Composition("SrTiO3"))[0], Structure)


@pytest.mark.parametrize(
    ("formula", "n"), [("KCl", 1), ("Sr30", 1), ("NaCl", 0), ("Na$", 1), ("Na1000000000Cl", 1)]
)
def test_impossible_predictions_are_errors_with_a_hint(predictor, formula, n):
    with pytest.raises(FormulaError) as caught:
        predictor.predict(formula, n=n, formula_units=1)
    assert caught.value.hint


@pytest.mark.parametrize("units", ["12", 0, (1, 0), ()])
def test_formula_units_must_be_numbers(predictor, units):
    with pytest.raises(FormulaError, match="formula_units"):
        predictor.predict("NaCl", formula_units=units)


def test_a_formula_named_twice_is_one_request(predictor):
    assert len(formula_requests(["NaCl", "Na2Cl2", "NaCl"], 2, predictor.limits, (1,))) == 4


def test_unknown_models_and_damaged_folders_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no model 'nothing-like-it'"):
        nucleate.load("nothing-like-it")
    folder = tiny_model(tmp_path / "m")
    (folder / "weights.safetensors").write_bytes(b"0" * 100)
    with pytest.raises(ModelError, match="damaged or cut short"):
        load(folder)
    (folder / "recipe.toml").write_text('format = 9\nname = "kldm-csp"\n')
    with pytest.raises(ModelError, match="format 9"):
        load(folder)
    (folder / "card.json").unlink()
    with pytest.raises(NucleateError, match=r"card\.json"):
        load(folder)


def test_half_precision_weights_predict_nearly_the_same(predictor, tmp_path):
    from nucleate.runs.model_folder import save_model

    save_model(tmp_path / "half", predictor.model, predictor.recipe, predictor.card, torch.float16)
    half = load(tmp_path / "half", device="cpu")
    full, less = predictor.predict("NaCl", seed=1)[0], half.predict("NaCl", seed=1)[0]
    assert abs(full.volume / less.volume - 1) < 0.05


def test_push_to_hub_uploads_the_folder(predictor, monkeypatch):
    import huggingface_hub

    calls = []

    class Api:
        def create_repo(self, name, **options):
            calls.append((name, options["private"]))
            return "address"

        def upload_folder(self, **options):
            calls.append((options["repo_id"], options["folder_path"]))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert predictor.push_to_hub("me/model", private=True) == "address"
    assert calls == [("me/model", True), ("me/model", predictor.folder)]


def test_missing_hub_models_are_refused(monkeypatch):
    import huggingface_hub

    def refuse(*_, **__):
        raise OSError("no network\nlong story")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(ModelError, match="can't be fetched") as caught:
        load("hf:me/model")
    assert "long story" not in caught.value.message


def test_a_sampler_is_found_by_its_name_in_the_recipe(predictor):
    paper = predictor.sampler("paper")
    assert (paper.method, paper.predictor_lattice, paper.corrects) == ("pc", "em", "frac")
    assert paper.evaluations == 2000
    assert predictor.sampler("paper", steps=30).evaluations == 60
    assert predictor.sampler() == predictor.recipe.sampler
    assert predictor.sampler("code") == SamplerSettings("pc", steps=1000)
    with pytest.raises(NucleateError, match=r"sampler\.method can't be 'thesis'"):
        predictor.sampler("thesis")


@pytest.mark.parametrize(
    ("sampler", "assignments", "corrector"),
    [
        ("pc", [], "expected"),
        (None, ["method=pc"], "expected"),
        (None, ["tau=0.1", " method = pc"], "expected"),
        ("pc", ["corrector=crystal"], "crystal"),
        (None, ["corrector=crystal", "method=pc"], "crystal"),
        ("code", [], "crystal"),
        (None, [], "crystal"),
    ],
)
def test_pc_by_name_on_a_shipped_model_is_not_biased(sampler, assignments, corrector):
    """What the model's own sampler does not read stays as its file has it, so that jobs that are begun go on."""
    settings = sampler_of(load("kldm-perov5-csp"), sampler, 10, None, assignments)
    assert settings.corrector == corrector
    assert settings.method == ("pc" if sampler or assignments else "multistep")
    assert settings.steps == 10


def test_a_model_whose_file_says_pc_keeps_its_corrector(predictor):
    own = replace(predictor.recipe, sampler=SamplerSettings("pc", corrector="crystal"))
    old = Predictor(own.generator(predictor.model, predictor.card, predictor.name, ""), own)
    assert old.sampler("pc").corrector == "crystal"


def test_a_method_by_name_has_a_grid_of_its_own(predictor):
    """Times that are uneven were found for the method that the file has."""
    own = replace(
        predictor.recipe, sampler=SamplerSettings("multistep", steps=8, power=0.7, anneal_frac=20.0)
    )
    uneven = Predictor(own.generator(predictor.model, predictor.card, predictor.name, ""), own)
    assert uneven.sampler(nfe=8).power == uneven.sampler("multistep").power == 0.7
    assert uneven.sampler("em").power == 1.0
    assert sampler_of(uneven, None, None, None, ["method=heun"]).power == 1.0
    assert sampler_of(uneven, None, None, None, ["method=heun", "power=0.5"]).power == 0.5


@pytest.mark.parametrize("method", ["pc", "heun", "em", "paper"])
def test_the_requested_cost_is_kept_by_the_requested_method(predictor, method):
    assert abs(predictor.sampler(method, nfe=50).evaluations - 50) <= 1
