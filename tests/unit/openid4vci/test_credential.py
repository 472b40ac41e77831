"""Credential Requests and Responses (OpenID4VCI 1.0, section 8)."""

import json
from typing import Any

import pytest

from tests.support.answers import answer
from tests.vectors import http_answer
from wallet.errors import PeerBrokeProtocol, PeerRefused, WalletError
from wallet.openid4vci.credential import (
    Delivery,
    Transaction,
    credential_request,
    read_credential_response,
)
from wallet.ports import HttpResponse


def test_cred_02_either_the_identifier_or_the_configuration() -> None:
    assert credential_request("card", None, {}) == {"credential_configuration_id": "card"}
    assert credential_request("card", "card-2023", {}) == {"credential_identifier": "card-2023"}


def test_cred_03_exactly_one_kind_of_proof() -> None:
    body = credential_request("card", None, {"jwt": ["a.b.c"]})
    assert body["proofs"] == {"jwt": ["a.b.c"]}


def delivered(response: HttpResponse) -> Delivery:
    delivery = read_credential_response(response)
    assert isinstance(delivery, Delivery)
    return delivery


def test_the_examples_of_the_specification() -> None:
    response = http_answer("oid4vci-1.0/credential_response_sd_jwt_vc.txt")
    credential = delivered(response).credentials[0].reveal()
    assert credential.startswith("eyJhbGciOiAiRVMyNTYi")
    assert len(credential.split("~")) == 11
    assert credential.endswith("~")
    response = http_answer("oid4vci-1.0/credential_response_ldp_vc.txt")
    text = delivered(response).credentials[0].reveal()
    [issued] = json.loads(response.body)["credentials"]
    assert json.loads(text) == issued["credential"]
    assert list(json.loads(text)) == list(issued["credential"])


def test_res_04_unknown_members_are_ignored() -> None:
    body = {"credentials": [{"credential": "a~", "new": 1}], "notification_id": "n", "new": [None]}
    delivery = delivered(answer(body))
    assert [one.reveal() for one in delivery.credentials] == ["a~"]
    assert delivery.notification_id == "n"


def test_res_02_several_in_any_order() -> None:
    body = {"credentials": [{"credential": "b~"}, {"credential": "a~"}]}
    assert [one.reveal() for one in delivered(answer(body)).credentials] == ["b~", "a~"]


@pytest.mark.parametrize("status", [200, 202])
def test_res_01_at_once_or_later_and_not_both(status: int) -> None:
    body = {"credentials": [{"credential": "a~"}], "transaction_id": "t", "interval": 1}
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_credential_response(answer(body, status))
    assert caught.value.code == "credential_response_invalid"
    assert caught.value.detail.startswith(("/transaction_id", "/credentials"))


def test_res_01_put_off() -> None:
    later = {"transaction_id": "8xLOxBtZp8", "interval": 3600, "new": 1}
    transaction = read_credential_response(answer(later, 202))
    assert isinstance(transaction, Transaction)
    assert (transaction.transaction_id, transaction.interval) == ("8xLOxBtZp8", 3600)


CREDENTIAL = {"credential": "a~"}
BAD: dict[str, tuple[Any, type[WalletError], str, str]] = {
    "RES-01 no interval": (answer({"transaction_id": "8xLOxBtZp8"}, 202),
                           PeerBrokeProtocol, "credential_response_invalid", ""),
    "RES-01 interval of nothing": (answer({"transaction_id": "t", "interval": 0}, 202),
                                   PeerBrokeProtocol, "credential_response_invalid", ""),
    "RES-01 both": (answer({"credentials": [CREDENTIAL]}, 202),
                    PeerBrokeProtocol, "credential_response_invalid", ""),
    "RES-01 deferred with 200": (answer({"transaction_id": "8xLOxBtZp8", "interval": 3600}),
                                 PeerBrokeProtocol, "credential_response_invalid", ""),
    "RES-02 none": (answer({"credentials": []}), PeerBrokeProtocol,
                    "credential_response_invalid", ""),
    "RES-02 texts": (answer({"credentials": ["a~"]}), PeerBrokeProtocol,
                     "credential_response_invalid", ""),
    "RES-03 a number": (answer({"credentials": [{"credential": 1}]}), PeerBrokeProtocol,
                        "credential_response_invalid", ""),
    "older drafts' member": (answer(CREDENTIAL), PeerBrokeProtocol,
                             "credential_response_invalid", ""),
    "RES-05 encrypted, not asked for": (answer(b"e.y.J.h.b", 200, "application/jwt"),
                                        PeerBrokeProtocol, "credential_response_invalid", ""),
    "ERR-02 denied": (answer({"error": "credential_request_denied"}, 400), PeerRefused,
                      "credential_refused", "credential_request_denied"),
    "ERR-02 proof": (answer({"error": "invalid_proof"}, 400), PeerRefused,
                     "credential_refused", "invalid_proof"),
    "ERR-01 token": (answer(b"", 401, "text/plain", www_authenticate=(
                        'Bearer realm="x", error="invalid_token", error_description="expired"')),
                     PeerRefused, "credential_refused", "invalid_token"),
    "ERR-01 DPoP": (answer(b"", 401, "text/plain", www_authenticate=(
                        'Bearer realm="x", DPoP algs="ES256", error="use_dpop_nonce"')),
                    PeerRefused, "credential_refused", "use_dpop_nonce"),
    "ERR-01 without a word": (answer(b"", 401, "text/plain"), PeerRefused,
                              "credential_refused", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_answers(name: str) -> None:
    response, fault, code, peer_error = BAD[name]
    with pytest.raises(fault) as caught:
        read_credential_response(response)
    assert (caught.value.code, caught.value.peer_error) == (code, peer_error)
