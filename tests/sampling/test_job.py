"""Shards of a job share out its requests: every one is some shard's, and no two have the same."""

import pytest

from nucleate.sampling.job import Job, Shard
from nucleate.sampling.request import Request


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_shards_are_a_partition_of_nearly_equal_parts(count, tmp_path):
    requests = [Request((11, 17), "NaCl", "NaCl", sample) for sample in range(11)]
    parts = [Job(tmp_path, {}, Shard(index, count)).mine(requests) for index in range(count)]
    assert sorted(one.sample for part in parts for one in part) == list(range(11))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for part in parts:
        assert [one.sample for one in part] == sorted(one.sample for one in part)
