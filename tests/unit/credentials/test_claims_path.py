"""Claims path pointers (OpenID4VCI 1.0, appendix C)."""

from typing import Any

import pytest

from tests.vectors import vector
from wallet.credentials.claims_path import has_claim, select

VECTORS = vector("oid4vci-1.0/claims_path_pointer.json")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: str(case["path"]))
def test_pth_01_examples(case: dict[str, Any]) -> None:
    claims, path = VECTORS["credential"], case["path"]
    assert has_claim(claims, path) is ("selected" in case)
    if "selected" in case:
        assert select(claims, path) == case["selected"]
    else:
        with pytest.raises(ValueError, match=r"."):
            select(claims, path)


@pytest.mark.parametrize(
    ("claims", "path", "selected"),
    [
        ({"a": [{"b": 1}, {}, {"b": 2}]}, ["a", None, "b"], [1, 2]),
        ({"a": [[1, 2], [3]]}, ["a", None, 1], [2]),
        ({"a": None}, ["a"], [None]),
        ({"a": {"": 0}}, ["a", ""], [0]),
    ],
)
def test_pth_01_missing_members_drop_out(claims: Any, path: Any, selected: Any) -> None:
    assert select(claims, path) == selected


@pytest.mark.parametrize(
    "path", [["a", None, "b"], ["a", True], ["b", None], ["b", 0], ["c"], ["a", 0, "x"]]
)
def test_pth_01_errors(path: Any) -> None:
    assert not has_claim({"a": [1, {"b": 1}], "b": []}, path)
