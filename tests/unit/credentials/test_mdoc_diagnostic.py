"""Diagnostic notation, compared with that of cbor_diag, and its bounds (RFC 8949, section 8)."""

import base64
from typing import Any

import cbor2
import pytest
from cbor_diag import cbor2diag

from tests.vectors import vector
from wallet.credentials.mdoc.diagnostic import diagnostic
from wallet.credentials.mdoc.technical import technical_view
from wallet.records import Secret

ANNEX_D = bytes.fromhex(vector("mdoc/iso18013-5-annex-d.json")["derived"]["issuer_signed_hex"])

VALUES: dict[str, tuple[Any, str]] = {
    "null": (None, "null"),
    "truth": ([True, False], "[true, false]"),
    "numbers": ([0, -1, 2**64 - 1], "[0, -1, 18446744073709551615]"),
    "text": ('a"ä\n', '"a\\"ä\\n"'),
    "bytes": (b"\x01\xff", "h'01ff'"),
    "no bytes": (b"", "h''"),
    "map": ({1: "a", b"\2": [], "c": {}}, "{1: \"a\", h'02': [], \"c\": {}}"),
    "date": (cbor2.CBORTag(1004, "2026-01-02"), '1004("2026-01-02")'),
    "embedded": (cbor2.CBORTag(24, cbor2.dumps({"a": 1})), '24(<<{"a": 1}>>)'),
    "embedded twice": (
        cbor2.CBORTag(24, cbor2.dumps(cbor2.CBORTag(24, b"\1"))), "24(<<24(<<1>>)>>)",
    ),
    "embedded, but no CBOR": (cbor2.CBORTag(24, b"\xff"), "24(h'ff')"),
    "tag 24 on a text": (cbor2.CBORTag(24, "a"), '24("a")'),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_notation(name: str) -> None:
    value, text = VALUES[name]
    assert diagnostic(cbor2.dumps(value)) == text


@pytest.mark.parametrize("name", ["null", "truth", "numbers", "bytes", "no bytes", "map", "date"])
def test_others_write_it_alike_but_for_blanks(name: str) -> None:
    encoded = cbor2.dumps(VALUES[name][0])
    assert diagnostic(encoded).replace(" ", "") == cbor2diag(encoded, pretty=False)


def test_a_whole_document_without_its_long_parts() -> None:
    text = diagnostic(ANNEX_D)
    assert text.startswith('{"nameSpaces": {"org.iso.18013.5.1": [24(<<{"digestID": 0, "random": ')
    assert '"elementIdentifier": "family_name", "elementValue": "Doe"' in text
    assert "…'" in text


def test_the_technical_view_of_a_document() -> None:
    credential = Secret(base64.urlsafe_b64encode(ANNEX_D).rstrip(b"=").decode())
    view = technical_view(credential)
    assert view.mso.startswith('24(<<{"version": "1.0", "digestAlgorithm": "SHA-256"')
    assert '"signed": 0("2020-10-01T13:30:02Z")' in view.mso
    assert view.items[0] == (
        '24(<<{"digestID": 0, "random": '
        "h'8798645b20ea200e19ffabac92624bee6aec63aceedecfb1b80077d22bfc20e9', "
        '"elementIdentifier": "family_name", "elementValue": "Doe"}>>)'
    )
    assert len(view.items) == 6
    assert "Doe" not in repr(view)


@pytest.mark.parametrize("text", ["", "*", "oA"])
def test_there_is_no_view_of_anything_else(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        technical_view(Secret(text))


@pytest.mark.parametrize("limit", [0, 1, 10, 100])
def test_its_length_has_a_limit(limit: int) -> None:
    assert diagnostic(ANNEX_D, limit) == diagnostic(ANNEX_D)[:limit] + "…"
    assert diagnostic(b"\x01", 1) == "1"


def test_embedded_in_embedded_without_end() -> None:
    encoded = b"\x01"
    for _ in range(500):
        encoded = cbor2.dumps(cbor2.CBORTag(24, encoded))
    assert len(diagnostic(encoded)) < 10_000


@pytest.mark.parametrize("encoded", [b"", b"\xff", b"\x01\x01", b"\x9f\xff", b"\xf9\x3c\x00"])
def test_what_is_no_cbor_of_mobile_documents(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="CBOR"):
        diagnostic(encoded)
