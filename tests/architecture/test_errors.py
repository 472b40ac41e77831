"""Every error has a stable code, a sentence, a place that raises it and a test that names it."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture import ROOT, sources, texts, tree
from wallet import errors
from wallet.errors import MEANINGS, LocalFailure, PeerRefused, WalletError
from wallet.report import Report

FAULTS = {kind.__name__ for kind in WalletError.__subclasses__()}


def test_every_code_is_raised_and_tested() -> None:
    raised: set[str] = set()
    tested: set[str] = set()
    for file in sources("wallet"):
        raised |= texts(file) if file != Path("wallet/errors.py") else set()
    for file in sources("tests"):
        tested |= texts(file)
    assert set(MEANINGS) - raised == set()
    assert set(MEANINGS) - tested == set()


def test_what_is_raised_has_a_meaning_and_the_right_fault() -> None:
    raised = [
        (node.func.id, str(node.args[0].value))
        for file in sources("wallet")
        for node in ast.walk(tree(ROOT / file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in FAULTS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    assert len(raised) > 50
    for fault, code in raised:
        assert MEANINGS[code].fault.__name__ == fault


@pytest.mark.parametrize("code", MEANINGS)
def test_what_a_person_reads(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    meaning = MEANINGS[code]
    for text in (meaning.sentence, meaning.advice):
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert text == errors.printable(text)
        assert "  " not in text
        assert not re.search(r"\b(?i:exception|null|invalid|failed)\b", text)


def test_a_code_belongs_to_one_kind_of_error() -> None:
    with pytest.raises(TypeError, match="PeerRefused"):
        LocalFailure("token_refused")
    with pytest.raises(KeyError):
        LocalFailure("no such code")


def test_an_error_is_one_printable_line() -> None:
    error = PeerRefused("token_refused", "a\nb\x1b" * 1_000, peer_error="\u202e" * 200)
    assert str(error).isprintable()
    assert all(text.isprintable() and len(text) <= 1_000 for text in error.as_dict().values())
    assert errors.VerificationFailed("vct_mismatch", report=Report(())).as_dict() == {
        "code": "vct_mismatch",
        "message": MEANINGS["vct_mismatch"].sentence,
        "advice": MEANINGS["vct_mismatch"].advice,
    }
