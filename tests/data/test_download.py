"""Downloads from a server of our own: whole, with a wrong checksum, cut off, refused, not there."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nucleate.data.dataset import Dataset
from nucleate.data.download import download, fetch, find_benchmark
from nucleate.data.importing import ImportSettings
from nucleate.data.registry import BENCHMARKS, Benchmark
from nucleate.errors import DataError
from tests.data.crystal_makers import cif, random_structure, write_csv

pytest.importorskip("pooch")


class Handler(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012
    cut: set[str] = set()  # noqa: RUF012

    def do_GET(self) -> None:
        if self.path not in self.files:
            self.send_error(404)
            return
        content = self.files[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path in self.cut else content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    Handler.files, Handler.cut = {}, set()
    for seed, split in enumerate(("train", "val", "test")):
        rows = [
            {"": i, "material_id": f"{split}{i}", "cif": cif(random_structure(10 * seed + i))}
            for i in range(3)
        ]
        Handler.files[f"/toy/{split}.csv"] = write_csv(tmp_path / "made.csv", rows).read_bytes()
    (tmp_path / "made.csv").unlink()
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def toy(**known: str) -> Benchmark:
    return Benchmark("toy", {"train": None, "val": None, "test": None, **known}, "MIT", "toy crystals")


def digest(split: str) -> str:
    return hashlib.sha256(Handler.files[f"/toy/{split}.csv"]).hexdigest()


def test_download_and_import(server: str, tmp_path: Path) -> None:
    said: list[str] = []
    settings = ImportSettings()
    download(toy(train=digest("train")), tmp_path / "set", settings, server + "/", report=said.append)
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.info["counts"] == {"train": 3, "val": 3, "test": 3}
    assert dataset.split("val").ids == ["val0", "val1", "val2"]
    assert dataset.split("val").properties == {}
    assert dataset.info["licence"] == "MIT"
    assert dataset.info["source"]["verified"] == {"train": True, "val": False, "test": False}
    assert dataset.info["source"]["urls"]["test"] == f"{server}/toy/test.csv"
    assert dataset.info["source"]["files"]["val"][0]["sha256"] == digest("val")
    assert [digest("val") in line for line in said].count(True) == 1
    assert not any(digest("train") in line for line in said)


def refused(benchmark: Benchmark, server: str, tmp_path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        download(benchmark, tmp_path / "set", ImportSettings(), server)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_wrong_checksum(server: str, tmp_path: Path) -> None:
    refused(toy(val="0" * 64), server, tmp_path, "SHA-256 is not the expected 000")


def test_cut_connection(server: str, tmp_path: Path) -> None:
    Handler.cut.add("/toy/val.csv")
    refused(toy(), server, tmp_path, "connection failed or was cut")


def test_missing_file(server: str, tmp_path: Path) -> None:
    del Handler.files["/toy/test.csv"]
    refused(toy(), server, tmp_path, "404")


def test_no_server(tmp_path: Path) -> None:
    refused(toy(), "http://127.0.0.1:9", tmp_path, "connection failed")


def test_a_failed_fetch_leaves_no_partial_file(server: str, tmp_path: Path) -> None:
    Handler.cut.add("/toy/val.csv")
    for split, known in (("val", None), ("train", "1" * 64)):
        with pytest.raises(DataError):
            fetch(f"{server}/toy/{split}.csv", known, tmp_path / "kept" / f"{split}.csv")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_existing_set_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError, match="exists"):
        download(toy(), tmp_path / "set", ImportSettings(), "http://127.0.0.1:9")


def test_the_registry_names_the_four_sets() -> None:
    assert set(BENCHMARKS) == {"mp_20", "perov_5", "carbon_24", "mpts_52"}
    for one in BENCHMARKS.values():
        assert set(one.sha256) == {"train", "val", "test"}
        assert all(known is None or len(known) == 64 for known in one.sha256.values())
    with pytest.raises(DataError, match="no benchmark 'mp20'") as caught:
        find_benchmark("mp20")
    assert "mp_20" in caught.value.hint
