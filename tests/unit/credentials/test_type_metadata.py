"""Integrity metadata (W3C Subresource Integrity, section 3)."""

import base64
import hashlib

import pytest

from wallet.credentials.type_metadata import has_integrity


def pin(algorithm: str, data: bytes = b"data") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    "integrity",
    [
        pin("sha256"),
        pin("sha384"),
        pin("sha512"),
        f"{pin('sha256')}?an-option",
        f"  {pin('sha512', b'other')}\n{pin('sha512')} ",
        f"{pin('sha256', b'other')} {pin('sha512')}",
        f"md5-AAAA {pin('sha256')}",
    ],
)
def test_it_is_what_was_pinned(integrity: str) -> None:
    assert has_integrity(b"data", integrity)


@pytest.mark.parametrize(
    "integrity",
    [
        "",
        "sha256",
        "sha256-",
        "sha256-*",
        "md5-jXd/OF09/siBXSD3SWAm3A==",
        pin("sha256", b"other"),
        pin("sha256").replace("sha256", "sha512"),
        f"{pin('sha256')} {pin('sha512', b'other')}",
    ],
)
def test_it_is_not(integrity: str) -> None:
    assert not has_integrity(b"data", integrity)
