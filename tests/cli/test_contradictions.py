"""Options that say the same thing twice, contradict each other or are read by nobody are errors, as are numbers that
can't be meant."""

import pytest
from pymatgen.core import Lattice, Structure

from tests.cli.words import assert_one_line, run
from tests.models import tiny_model
from tests.training.tiny import random_table, write_dataset


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_model(tmp_path_factory.mktemp("both") / "tiny"))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "folder/b"):
        (tmp_path / f"{name}.cif").parent.mkdir(exist_ok=True)
        Structure(Lattice.cubic(5), ["Na"], [[0, 0, 0]]).to(tmp_path / f"{name}.cif")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--nfe 20 --steps 3", "20 network evaluations and 3 steps both say how long"),
        ("--set steps=3 --steps 3", "--set steps=3 and --steps 3 both say"),
        ("--set steps=3 --nfe 20", "--set steps=3 and --nfe 20 both say"),
        ("--set nfe=3 --nfe 20", "--set nfe=3 and --nfe 20 both say"),
        ("--set method=em --sampler ode", "--set method=em and --sampler ode both say"),
        ("--split train", "--split train has no effect without --like"),
        ("--limit 3", "--limit 3 has no effect without --like"),
        ("--set anneal_frac=1e30", "anneal_frac = 1e+30"),
        ("--set steps=100000000000", "steps = 100000000000"),
        ("--set temperature=inf", "temperature = inf"),
        ("--set steps=[[[[", "steps = '[[[['"),
        ("-n 99999999999999999999", "99999999999999999999 crystals were asked for"),
        ("-n 600000 --formula-units 1,2", "1200000 crystals were asked for"),
    ],
)
def test_contradicting_options_of_predict_are_refused(model, words, message, monkeypatch, capsys):
    assert run(monkeypatch, "predict", "NaCl", "--model", model, *words.split()) == 2
    assert_one_line(capsys, message)


@pytest.mark.parametrize("words", [
    "predict NaCl --seed -1", "predict NaCl --threads 100000", "predict NaCl --seed 99999999999999999999",
    "generate --seed -1", "generate --threads 100000", "train kldm-csp --data d --out o --threads 100000",
    "train kldm-csp --data d --out o --devices 100000", "data import a.cif --out o --seed -1",
    "data import a.cif --out o --workers 100000", "evaluate csp a.cif --reference d --seed -1",
    "evaluate dng a.cif --workers 100000",
    "relax a.cif --out o --workers 100000", "relax a.cif --out o --symprec nan",
    "evaluate dng a.cif --seed -1", "benchmark cross d --out o --threads 100000",
])  # fmt: skip
def test_numbers_out_of_range_are_refused_before_anything_is_loaded(words, monkeypatch, capsys):
    assert run(monkeypatch, *words.split()) == 2
    assert "Invalid value for" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("data import --train a.cif --val a.cif --out o", "a.cif stands for train and val"),
        ("data import --train a.cif --val ./folder/../a.cif --out o", "stands for train and val"),
        (
            "data import --train folder --test folder/b.cif --out o",
            "one inside the other, stand for train and test",
        ),
        ("data import a.cif a.cif --out o", "a.cif stands for pool twice"),
        (
            "data import --train a.cif --split 0.5,0.5,0 --out o",
            "--split 0.5,0.5,0 has no effect with --train",
        ),
        ("data import --train a.cif --seed 3 --out o", "--seed 3 has no effect with --train"),
        ("data import a.cif --split nan,0.5,0.5 --out o", "is not three shares"),
        ("evaluate dng a.cif --relax none --hull bad.json", "the hull 'bad.json' has no effect"),
        ("evaluate dng a.cif --relax none --split train", "--split train has no effect without --reference"),
        ("evaluate dng a.cif --relax none --reference-limit 3", "--reference-limit 3 has no effect without"),
        ("evaluate csp a.cif --reference d --protocol geometry --fingerprints", "uses fingerprints"),
        ("evaluate csp a.cif --reference d --timeout inf", "timeout = inf is too large"),
        ("train kldm-csp --data d --out o --epochs 3 --set training.epochs=4", "both say the same thing"),
        ("train kldm-csp --data d --out o --minutes 3 --set training.epochs=4", "both say the same thing"),
        (
            "train kldm-csp-tiny --data d --out o --set cspnet.layers=2",
            "has no effect with the network torus",
        ),
        (
            "train kldm-csp --data d --out o --set cspnet.layers=100000000",
            "cspnet.layers = 100000000 is too large",
        ),
        (
            "benchmark cross d --out o --recipe kldm-csp --base cross",
            "--base cross has no effect with --recipe",
        ),
    ],
)
def test_contradicting_options_of_other_commands_are_refused(words, message, monkeypatch, capsys):
    assert run(monkeypatch, *words.split()) == 2
    assert_one_line(capsys, message)


@pytest.mark.parametrize("minutes", ["inf", "0"])
def test_a_run_without_an_end_leaves_no_folder(minutes, tmp_path, monkeypatch, capsys):
    write_dataset(tmp_path / "d", train=random_table([2, 3]), val=random_table([2]))
    words = ["train", "kldm-csp-tiny", "--data", "d", "--out", "o", "--accelerator", "cpu", "--minutes"]
    assert run(monkeypatch, *words, minutes) == 2
    assert_one_line(capsys, "a run must last more than 0 and at most")
    assert not (tmp_path / "o").exists()
