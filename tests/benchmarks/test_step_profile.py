import pytest
import torch

from step_profile import KINDS, REST, profiled


def test_a_product_of_matrices_is_one() -> None:
    one = torch.rand(400, 400)
    found = profiled(lambda: torch.mm(one, one))
    assert found["shares"]["matrix products"] > 0.5
    assert next(iter(found["most"])) == "mm"
    assert found["shares"].keys() == {*KINDS, REST}
    assert sum(found["shares"].values()) == pytest.approx(1, abs=0.005)


def test_no_operation_is_of_two_kinds() -> None:
    names = [name for some in KINDS.values() for name in some]
    assert len(names) == len(set(names))
