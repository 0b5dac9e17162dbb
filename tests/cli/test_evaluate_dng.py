"""`nucleate evaluate dng` from files to files, and what a user may get wrong."""

import csv
import json
import zipfile

import pyarrow.parquet as pq
import pytest
from ase.io import write
from pymatgen.io.ase import AseAtomsAdaptor
from typer.testing import CliRunner

from nucleate.cli.evaluate import app
from nucleate.discovery.inventory import write_inventory
from nucleate.errors import NucleateError
from tests.metrics.dng.small_data import data_set, samples, write_samples

QUICK = ("--relax", "none", "--no-coverage", "--workers", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A data set, and samples as CIF files with one that is broken."""
    folder = tmp_path_factory.mktemp("evaluate")
    data_set(folder / "data")
    write_samples(folder / "cifs")
    return folder


def run(place, *words, source="cifs"):
    call = ["dng", str(place / source), "--reference", str(place / "data"), *map(str, words)]
    return CliRunner().invoke(app, call)


def test_files_in_and_files_out(place, tmp_path):
    targets = (
        "--json",
        tmp_path / "new" / "a.json",
        "--table",
        tmp_path / "a.parquet",
        "--html",
        tmp_path / "a.html",
    )
    result = run(place, *QUICK, *targets, "--protocol", "classic")
    assert result.exit_code == 0, result.output
    assert "7 samples, 6 readable, judged against data (val); novel against train" in result.stdout
    assert "Unique and novel               43 [16, 75] %" in result.stdout
    assert "validity" not in result.stdout  # the bars are on stderr
    content = json.loads((tmp_path / "new" / "a.json").read_text())
    assert content["headline"]["joint.unique_novel"]["n"] == 7
    assert content["settings"]["samples"]["kind"] == "files"
    rows = pq.ParquetFile(tmp_path / "a.parquet").read().to_pylist()
    assert {row["id"]: row["novel"] for row in rows}["salt"] is True
    assert next(row["problem"] for row in rows if row["id"] == "unreadable").startswith("unreadable cif")
    assert "7 generated crystals, judged" in (tmp_path / "a.html").read_text()
    assert (place / ".nucleate-cache").is_dir()


def test_a_run_its_files_its_table_and_its_report_use_the_same_names(place, tmp_path):
    made = [one for one in samples().values() if one is not None]
    frames = [AseAtomsAdaptor.get_atoms(one) for one in made]
    for number, frame in enumerate(frames):
        frame.info = {"sample": number + 3, "key": f"hash{number}", "seed": 0, "nfe": 9, "model": "m"}
    (tmp_path / "out").mkdir()
    write(tmp_path / "out" / "generated.extxyz", frames[::-1])
    (tmp_path / "out" / "job.json").write_text("{}")
    names = {entry.name for entry in write_inventory(tmp_path / "out", ["cif"])}
    assert "generated-000003" in names
    for source in ("out", "out/cif"):
        table, html = tmp_path / "a.csv", tmp_path / "a.html"
        result = run(place, *QUICK, "--table", table, "--html", html, source=tmp_path / source)
        assert result.exit_code == 0, result.output
        rows = list(csv.DictReader(table.open()))
        assert {row["id"] for row in rows} <= names
        text = html.read_text()
        assert "generated-000003" in text
        if source == "out":
            assert {row["id"]: row["key"] for row in rows}["generated-000004"] == "hash1"
            cards = text[text.index('<section id="gallery">') : text.index('<section id="validity">')]
            assert "hash" not in cards
        else:
            assert "key" not in rows[0]


def test_a_zip_and_a_limit_and_all_numbers(place, tmp_path):
    with zipfile.ZipFile(place / "all.zip", "w") as archive:
        for file in (place / "cifs").iterdir():
            archive.write(file, file.name)
    words = ("--limit", 4, "--full", "--table", tmp_path / "a.csv", "--cache", tmp_path / "kept")
    result = run(place, *QUICK, *words, source="all.zip")
    assert result.exit_code == 0, result.output
    assert "4 samples" in result.stdout
    assert "Jensen-Shannon" not in result.stdout
    assert "novel compositions" in result.stdout
    with (tmp_path / "a.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    assert list((tmp_path / "kept").glob("reduced-train-*.npz"))


def test_a_data_set_judged_as_samples(place):
    result = run(place, *QUICK, "--sample-split", "train", source="data")
    assert result.exit_code == 0, result.output
    assert "Novel                          0 [0, 49] %" in result.stdout


SEEN_EARLY = [
    (("--split", "test"), "has no split 'test'"),
    (("--protocol", "best"), "no protocol is called 'best'"),
    (("--relax", "magic"), "no potential is called 'magic'"),
    (("--relax", "emt", "--hull", "nowhere"), "no hull is called 'nowhere'"),
    (("--table", "a.xlsx"), "no table can be written as a.xlsx"),
]
"""Wrong options that show before any sample is read, and what is said of them."""


@pytest.mark.parametrize(
    ("words", "message"),
    [*SEEN_EARLY, (("--sample-split", "val"), "is not a data set, so it has no split")],
)
def test_wrong_options_are_one_sentence_and_a_hint(place, words, message):
    options = words if "--relax" in words else (*words, *QUICK)
    error = run(place, *options).exception
    assert isinstance(error, NucleateError)
    assert message in error.message
    assert error.hint


@pytest.mark.parametrize(("words", "message"), SEEN_EARLY)
def test_wrong_options_are_found_before_the_samples_are_read(place, tmp_path, words, message):
    target = tmp_path / "new" / "a.json"
    error = run(place, *words, "--json", target, source="nowhere").exception
    assert isinstance(error, NucleateError)
    assert message in error.message
    assert not target.parent.exists()


def test_a_hull_of_a_data_set_needs_one(place):
    words = ["dng", str(place / "nowhere"), "--hull", "dft"]
    error = CliRunner().invoke(app, words).exception
    assert isinstance(error, NucleateError)
    assert "the hull 'dft' needs a data set with energies" in error.message
    assert "--reference" in error.hint


def test_missing_and_empty_places(place, tmp_path):
    (place / "empty").mkdir(exist_ok=True)
    for source, message in (("nowhere", "no file or folder"), ("empty", "no structures in")):
        error = run(place, source=source).exception
        assert isinstance(error, NucleateError)
        assert message in error.message
    call = ["dng", str(place / "cifs"), "--reference", str(tmp_path / "none")]
    assert "no data set" in str(CliRunner().invoke(app, call).exception)


@pytest.mark.parametrize("option", ["--json", "--table", "--html"])
def test_targets_that_cannot_be_written_are_found_first(place, tmp_path, option):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "a.csv"
    error = run(place, option, target, source="nowhere").exception
    assert isinstance(error, NucleateError)
    assert "can't be written" in error.message


def test_what_fingerprints_of_the_reference_cost_is_said_once(tmp_path):
    pytest.importorskip("matminer")
    data_set(tmp_path / "data")
    write_samples(tmp_path / "cifs")
    words, said = (
        ("--relax", "none", "--workers", "1"),
        "coverage needs fingerprints of all crystals of 'val'",
    )
    assert said not in run(tmp_path, *words, "--no-coverage").stderr
    assert said in run(tmp_path, *words).stderr
    assert (tmp_path / "data" / ".cache" / "fingerprints.sqlite").is_file()
    assert said not in run(tmp_path, *words).stderr
