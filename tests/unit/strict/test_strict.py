"""Strict JSON and base64url (RFC 8259; RFC 7515, section 2)."""

import pytest

from wallet.records import Json
from wallet.strict import MAX_DEPTH, base64url, base64url_encode, json_object, json_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b' {"a": [1, 2.5, true, null, "\\u00e4\xc3\xa4"]} ', {"a": [1, 2.5, True, None, "ää"]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b"1e3", 1000.0),
        (b"-0", 0),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b'"' + b"[{" * 100 + b'"', "[{" * 100),
        (b'["\\"' + b"[" * 100 + b'"]', ['"' + "[" * 100]),
        (b"[" + b",".join([b"[]"] * 100) + b"]", [[]] * 100),
    ],
)
def test_json_that_is_read(text: bytes, value: Json) -> None:
    read = json_value(text)
    assert value is None or read == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1,]",
        b"{} {}",
        b"'a'",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"01",
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"a":2}}]',
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'"\n"',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"9" * 5_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 100_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_json_that_is_not(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_value(text)


@pytest.mark.parametrize("text", [b"[]", b'"a"', b"1", b"null"])
def test_what_is_no_object(text: bytes) -> None:
    with pytest.raises(ValueError, match="object"):
        json_object(text)


@pytest.mark.parametrize("data", [b"", b"f", b"fo", b"foo", b"\xff\xfe\xfd", bytes(range(256))])
def test_base64url_there_and_back(data: bytes) -> None:
    text = base64url_encode(data)
    assert not set(text) & set("+/=")
    assert base64url(text) == data


@pytest.mark.parametrize(
    "text", ["Zg==", "Zh", "Z", "Zm9v\n", "Zm 9v", "+_8", "_/8", "ä", "\ud800"]
)
def test_what_is_no_canonical_base64url(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        base64url(text)
