"""Authorization Server Metadata (RFC 8414)."""

from typing import Any

import pytest

from tests.support.answers import answer
from tests.vectors import vector
from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.server_metadata import (
    ServerMetadata,
    able,
    metadata_url,
    read_server_metadata,
)

ISSUER = "https://server.example/realm"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "response_types_supported": ["code"],
}


def read(**members: Any) -> ServerMetadata:
    return read_server_metadata(answer({**METADATA, **members}), ISSUER)


@pytest.mark.parametrize(
    "row",
    vector("oid4vci-1.0/well_known_urls_derived.json")["rows"],
    ids=lambda row: str(row["identifier"]),
)
def test_meta_14_where_the_metadata_is(row: dict[str, str]) -> None:
    assert metadata_url(row["identifier"]) == row["as_metadata_rfc8414"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "META-13 another issuer": ({"issuer": "https://evil.example"}, "authorization_server_mismatch"),
    "META-13 with a slash": ({"issuer": ISSUER + "/"}, "authorization_server_mismatch"),
    "META-13 no issuer": ({"issuer": None}, "metadata_invalid"),
    "token endpoint by http": ({"token_endpoint": "http://server.example/t"}, "insecure_url"),
    "authorization endpoint by http": ({"authorization_endpoint": "http://server.example/a"},
                                       "insecure_url"),
    "authorization endpoint of another kind": ({"authorization_endpoint": "javascript:alert(1)"},
                                               "insecure_url"),
    "authorization endpoint with a fragment": (
        {"authorization_endpoint": "https://server.example/a#b"}, "response_malformed"),
    "PAR endpoint by http": ({"pushed_authorization_request_endpoint": "http://server.example/p"},
                             "insecure_url"),
    "grant types as text": ({"grant_types_supported": "authorization_code"}, "metadata_invalid"),
    "promise as text": ({"authorization_response_iss_parameter_supported": "true"},
                        "metadata_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_documents(name: str) -> None:
    members, code = BAD[name]
    with pytest.raises(PeerBrokeProtocol) as caught:
        read(**members)
    assert caught.value.code == code


def test_what_is_assumed_where_the_document_says_nothing() -> None:
    metadata = able(read(), "authorization_code")
    assert "authorization_code" in metadata.grant_types_supported  # OFF-07
    assert metadata.pushed_authorization_request_endpoint is None
    assert not metadata.authorization_response_iss_parameter_supported


UNSUPPORTED: dict[str, tuple[dict[str, Any], str]] = {
    "another grant": ({"grant_types_supported": ["client_credentials"]}, "authorization_code"),
    "no authorization endpoint": ({"authorization_endpoint": None}, "authorization_endpoint"),
    "no token endpoint": ({"token_endpoint": None}, "token_endpoint"),
    "AUTH-06 plain PKCE": ({"code_challenge_methods_supported": ["plain"]}, "S256"),
    "AUTH-06 PAR without an endpoint": ({"require_pushed_authorization_requests": True},
                                        "pushed_authorization_request_endpoint"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_server_that_cannot_do_what_is_needed(name: str) -> None:
    members, missing = UNSUPPORTED[name]
    with pytest.raises(Unsupported) as caught:
        able(read(**members), "authorization_code")
    assert caught.value.code == "authorization_server_unsupported"
    assert missing in caught.value.detail
