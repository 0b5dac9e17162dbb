"""The tiny data set and one uninterrupted run on it, which others are compared with."""

from pathlib import Path

import pytest

from tests.training.tiny import mixed_sizes, random_table, train, write_dataset

EPOCHS = 10  # of 50 // 8 = 6 steps


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    train_split, val = random_table(mixed_sizes(50)), random_table(mixed_sizes(12, 1), 1)
    return write_dataset(tmp_path_factory.mktemp("tiny"), train=train_split, val=val)


@pytest.fixture(scope="session")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    assert train(data, run, epochs=EPOCHS).state == "trained"
    return run
