"""The authorization response (RFC 6749, section 4.1.2; RFC 9207)."""

import pytest

from wallet.errors import HolderDeclined, PeerBrokeProtocol, PeerRefused, WalletError
from wallet.oauth.redirect import read_authorization_response
from wallet.oauth.server_metadata import ServerMetadata
from wallet.records import Secret

SERVER = "https://server.example/realm"
ISS = "iss=https%3A%2F%2Fserver.example%2Frealm"


def read(query: str, *, promises_iss: bool = True) -> str:
    server = ServerMetadata(
        issuer=SERVER, authorization_response_iss_parameter_supported=promises_iss
    )
    return read_authorization_response(query, state=Secret("st"), server=server).reveal()


@pytest.mark.parametrize(
    "query",
    [
        f"code=SplxlOBeZQQYbYS6WxSbIA&state=st&{ISS}",
        f"{ISS}&new=&state=st&code=SplxlOBeZQQYbYS6WxSbIA&session_state=1",
    ],
)
def test_the_code(query: str) -> None:
    assert read(query) == "SplxlOBeZQQYbYS6WxSbIA"


def test_iss_may_be_missing_where_it_was_not_promised() -> None:
    assert read("code=c&state=st", promises_iss=False) == "c"


BAD: dict[str, tuple[str, type[WalletError], str]] = {
    "nothing": ("", PeerBrokeProtocol, "state_mismatch"),
    "not a query": ("code", PeerBrokeProtocol, "authorization_response_invalid"),
    "too many parameters": ("&".join(f"a{n}=1" for n in range(60)), PeerBrokeProtocol,
                            "authorization_response_invalid"),
    "no state": (f"code=c&{ISS}", PeerBrokeProtocol, "state_mismatch"),
    "another state": (f"code=c&state=ST&{ISS}", PeerBrokeProtocol, "state_mismatch"),
    "a longer state": (f"code=c&state=st%00&{ISS}", PeerBrokeProtocol, "state_mismatch"),
    "state not UTF-8": (f"code=c&state=%FF&{ISS}", PeerBrokeProtocol, "state_mismatch"),
    "state twice": (f"code=c&state=st&state=st&{ISS}", PeerBrokeProtocol,
                    "authorization_response_invalid"),
    "code twice": (f"code=c&code=d&state=st&{ISS}", PeerBrokeProtocol,
                   "authorization_response_invalid"),
    "RFC 9207 no iss": ("code=c&state=st", PeerBrokeProtocol, "iss_missing"),
    "RFC 9207 another iss": ("code=c&state=st&iss=https%3A%2F%2Fevil.example", PeerBrokeProtocol,
                             "iss_mismatch"),
    "RFC 9207 iss with a slash": (f"code=c&state=st&{ISS}%2F", PeerBrokeProtocol, "iss_mismatch"),
    "RFC 9207 iss in other letters": (f"code=c&state=st&{ISS.replace('server', 'Server')}",
                                      PeerBrokeProtocol, "iss_mismatch"),
    "RFC 9207 empty iss": ("code=c&state=st&iss=", PeerBrokeProtocol, "iss_mismatch"),
    "no code": (f"state=st&{ISS}", PeerBrokeProtocol, "authorization_response_invalid"),
    "empty code": (f"code=&state=st&{ISS}", PeerBrokeProtocol, "authorization_response_invalid"),
    "AUTH-10 denied": (f"error=access_denied&state=st&{ISS}", HolderDeclined, "access_denied"),
    "AUTH-10 refused": (f"error=invalid_scope&state=st&{ISS}", PeerRefused,
                        "authorization_refused"),
    "AUTH-10 an error wins over a code": (f"code=c&error=server_error&state=st&{ISS}",
                                          PeerRefused, "authorization_refused"),
    "AUTH-10 an error of a stranger": ("error=access_denied&state=x", PeerBrokeProtocol,
                                       "state_mismatch"),
    "RFC 9207 an error without iss": ("error=access_denied&state=st", PeerBrokeProtocol,
                                      "iss_missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    query, fault, code = BAD[name]
    with pytest.raises(fault) as caught:
        read(query)
    assert caught.value.code == code


def test_iss_that_was_not_promised_is_compared_all_the_same() -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read("code=c&state=st&iss=https%3A%2F%2Fevil.example", promises_iss=False)
    assert caught.value.code == "iss_mismatch"


def test_the_servers_words_are_told_made_harmless() -> None:
    words = "error=no%1B%5B2J&error_description=l1%0Al2%E2%80%AE"
    with pytest.raises(PeerRefused) as caught:
        read(f"{words}&state=st&{ISS}")
    assert caught.value.peer_error == "no [2J"
    assert caught.value.detail == "l1 l2 "
