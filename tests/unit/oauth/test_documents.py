"""How a peer's documents and errors are read."""

from typing import Any

import pytest

from tests.support.answers import answer
from wallet.errors import PeerBrokeProtocol, PeerRefused
from wallet.oauth.documents import Document, read_document, read_object, refuse


class Thing(Document):
    names: dict[str, int]


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (answer({}, media_type="text/html"), "Content-Type is text/html"),
        (answer({}, media_type=""), "Content-Type is missing"),
        (answer([]), "not a JSON object"),
        (answer(b""), "not strict JSON"),
        (answer(b"\xff"), "not strict JSON"),
        (answer(b'{"a":NaN}'), "NaN"),
        (answer(b'{"a":1,"a":2}'), "twice"),
        (answer(b"[" * 40 + b"]" * 40), "deeper"),
    ],
)
def test_what_is_no_json_object(response: Any, words: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_object(response, "metadata_invalid", "the rule")
    assert words in caught.value.detail
    assert (caught.value.rule, caught.value.url) == ("the rule", "https://peer.example/endpoint")


def test_parameters_of_the_content_type_do_not_matter() -> None:
    assert (
        read_object(answer({}, media_type="Application/JSON; charset=utf-8"), "internal", "") == {}
    )


def test_the_first_wrong_member_is_named_by_its_json_pointer_without_its_value() -> None:
    document = {"names": {"a\x1b[2J\n": "sentinel"}}
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_document(Thing, document, "metadata_invalid", "", "https://a.example/?code=sentinel")
    assert caught.value.detail.startswith("/names/a [2J : ")
    assert "sentinel" not in f"{caught.value} {caught.value.as_dict()}"


@pytest.mark.parametrize(
    ("response", "code", "peer_error", "detail"),
    [
        (answer({"error": "x", "error_description": "why"}, 400), "token_refused", "x",
         "HTTP 400: why"),
        (answer({"error": "x\x1b[1m\u202e", "error_description": "a\nb"}, 500), "token_refused",
         "x [1m ", "HTTP 500: a b"),
        (answer({"error_description": "why"}, 400), "token_refused", "", "HTTP 400: why"),
        (answer({"error": ["x"], "error_description": {}}, 400), "token_refused", "", "HTTP 400"),
        (answer(b"{", 400), "token_refused", "", "HTTP 400"),
        (answer(b"<p>", 404, "text/html"), "not_found", "", "HTTP 404"),
        (answer(b"<p>", 500, "text/html"), "server_error", "", "HTTP 500"),
        (answer({"error": "e" * 2_000}, 400), "token_refused", "e" * 100, "HTTP 400"),
        (answer(b"", 401, "", www_authenticate='Bearer error="invalid_token"'), "token_refused",
         "invalid_token", "HTTP 401"),
        (answer({"error": "own"}, 401, www_authenticate='Bearer error="other"'), "token_refused",
         "own", "HTTP 401"),
    ],
)  # fmt: skip
def test_what_an_error_of_a_peer_means(
    response: Any, code: str, peer_error: str, detail: str
) -> None:
    with pytest.raises(PeerRefused) as caught:
        refuse(response, "token_refused")
    assert (caught.value.code, caught.value.peer_error) == (code, peer_error)
    assert caught.value.detail == detail
