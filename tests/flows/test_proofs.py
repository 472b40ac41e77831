"""A wallet that shows who it is: to an issuer that wants proofs of everything, and checks them."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.demanding import DemandingSimulator
from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator, simulated
from tests.support.wallets import fresh_wallet
from wallet.app import Wallet
from wallet.errors import PeerBrokeProtocol, PeerRefused, Unsupported, WalletError
from wallet.records import Secret

Opener = Callable[..., Any]
PROVIDER_KEY = ECKey.generate_key("P-256", {"kid": "provider-1"})
CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "client-1"})
AUTHENTICATIONS = (
    "none",
    "private_key_jwt",
    "attest_jwt_client_auth",
    "attest_jwt_client_auth_dpop",
)


@pytest.fixture
def issuer() -> Iterator[DemandingSimulator]:
    with simulated(DemandingSimulator) as simulator:
        simulator.attester = dict(PROVIDER_KEY.as_dict(private=False))
        simulator.client_key = dict(CLIENT_KEY.as_dict(private=False))
        yield simulator


@pytest.fixture
async def opened(tmp_path: Path, issuer: DemandingSimulator) -> Any:
    """Opens a wallet with all the keys that the issuer might want to hear of."""
    (tmp_path / "client.json").write_text(json.dumps(CLIENT_KEY.as_dict(private=True)))
    (tmp_path / "provider.json").write_text(json.dumps(PROVIDER_KEY.as_dict(private=True)))
    async with AsyncExitStack() as stack:

        async def open_wallet(**flags: Any) -> Wallet:
            settings = {
                "client_id": "wallet",
                "client_key": tmp_path / "client.json",
                "wallet_provider": "development",
                "wallet_provider_key": tmp_path / "provider.json",
                **flags,
            }
            wallet = fresh_wallet(tmp_path, issuer.authority.pem, **settings)
            return await stack.enter_async_context(wallet)

        yield open_wallet


@pytest.mark.parametrize(
    ("authentication", "dpop", "nonces"),
    [
        *((authentication, False, False) for authentication in AUTHENTICATIONS[:3]),
        ("none", True, False),
        *((authentication, True, True) for authentication in AUTHENTICATIONS),
    ],
)
async def test_ca_01_every_authentication_with_and_without_dpop(
    authentication: str,
    dpop: bool,
    nonces: bool,
    issuer: DemandingSimulator,
    opened: Opener,
    holder: WillingHolder,
) -> None:
    issuer.authentication, issuer.dpop, issuer.nonces = authentication, dpop, nonces
    wallet = await opened()
    await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1
    assert len(issuer.notified) == 1
    paths = [path for path, _ in issuer.requests]
    again = [path for path in set(paths) if paths.count(path) > 1]
    assert len(again) == len(issuer.refusals)
    assert set(again) <= ({"/par", "/token", "/credential"} if nonces else {"/par"})


@pytest.mark.parametrize("challenges", ["endpoint", "header"])
@pytest.mark.parametrize("dpop", [False, True])
async def test_ca_04_challenges(
    challenges: str, dpop: bool, issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication, issuer.challenges = "attest_jwt_client_auth", challenges
    issuer.dpop = issuer.nonces = dpop
    wallet = await opened()
    await wallet.add(issuer.offer(), holder)
    wanted = [one for one in issuer.refusals if one.startswith("use_attestation_challenge")]
    assert len(wanted) == (1 if challenges == "header" else 0)
    assert len(await wallet.cards()) == 1


async def test_ca_04_a_challenge_in_the_dpop_proof(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication, issuer.challenges = "attest_jwt_client_auth_dpop", "endpoint"
    issuer.dpop = True
    wallet = await opened()
    await wallet.add(issuer.offer(), holder)
    assert issuer.refusals == []
    assert [path for path, _ in issuer.requests].count("/challenge") == 2


ENCODINGS = [
    ("A128GCM", False),
    ("A256GCM", True),
    ("A128CBC-HS256", False),
    ("A256CBC-HS512", True),
]


@pytest.mark.parametrize(("enc", "zips"), ENCODINGS)
async def test_enc_01_everything_encrypted_also_while_it_is_put_off(
    enc: str, zips: bool, issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.encrypts, issuer.zips = enc, zips
    wallet = await opened()
    await wallet.add(issuer.offer(), holder)
    (body,) = [body for path, body in issuer.requests if path == "/credential"]
    assert body.count(b".") == 4
    assert len(await wallet.cards()) == 1


PROOFS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "PRF-04 did:jwk": ({"jwt": ["ES256"]}, ["did:jwk"]),
    "PRF-04 did:key": ({"jwt": ["ES256"]}, ["did:key"]),
    "ES384": ({"jwt": ["ES384"]}, ["jwk"]),
    "EdDSA": ({"jwt": ["EdDSA"]}, ["jwk"]),
    "Ed25519": ({"jwt": ["Ed25519"]}, ["jwk"]),
    "EdDSA as did:key": ({"jwt": ["EdDSA"]}, ["did:key"]),
    "ATT-01 attestation": ({"attestation": ["ES256"]}, ["jwk"]),
    "DIV-01 ECDSA": ({"di_vp": ["ecdsa-jcs-2019"]}, ["did:key"]),
    "DIV-01 EdDSA": ({"di_vp": ["eddsa-jcs-2022"]}, ["did:key"]),
}


@pytest.mark.parametrize("name", PROOFS)
async def test_cred_04_every_proof_of_a_key(
    name: str, issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    types, issuer.methods = PROOFS[name]
    issuer.proof_types = {
        kind: {"proof_signing_alg_values_supported": algorithms}
        for kind, algorithms in types.items()
    }
    if issuer.methods != ["jwk"]:
        issuer.edits["payload"] = named_by_did
    wallet = await opened()
    await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1


def named_by_did(payload: Any) -> Any:
    """A credential that names the holder's key by a DID URL, as RFC 7800 lets `kid` be."""
    text = json.dumps(payload["cnf"]["jwk"], sort_keys=True, separators=(",", ":"))
    name = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return {**payload, "cnf": {"kid": f"did:jwk:{name}#0"}}


@pytest.mark.parametrize("required", [{}, {"key_storage": ["iso_18045_moderate"]}])
async def test_prf_05_a_key_attestation_for_all_copies(
    required: Any, issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.batch_size = 3
    issuer.proof_types = {
        "jwt": {
            "proof_signing_alg_values_supported": ["ES256"],
            "key_attestations_required": required,
        }
    }
    wallet = await opened(batch="3")
    await wallet.add(issuer.offer(), holder)
    (body,) = [body for path, body in issuer.requests if path == "/credential"]
    assert len(json.loads(body)["proofs"]["jwt"]) == 1  # one proof stands for all attested keys
    assert len(issuer.bound) == 3
    assert len(await wallet.cards()) == 1


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA"])
async def test_prf_01_a_key_with_a_certificate(
    algorithm: str, issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.proof_types = {"jwt": {"proof_signing_alg_values_supported": [algorithm]}}
    wallet = await opened(key_reference="x5c")
    await wallet.add(issuer.offer(), holder)
    (body,) = [body for path, body in issuer.requests if path == "/credential"]
    header = Simulator._part(json.loads(body)["proofs"]["jwt"][0], 0)
    assert header.keys() & {"jwk", "kid", "x5c"} == {"x5c"}
    assert len(await wallet.cards()) == 1


async def test_prf_01_nobody_certifies_the_key(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    wallet = await opened(key_reference="x5c", wallet_provider="")
    error = await refusal(wallet, issuer, holder)
    assert error.code == "proof_unsupported"
    assert not [path for path, _ in issuer.requests if path == "/credential"]


async def test_non_03_a_dpop_nonce_of_the_nonce_endpoint(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.dpop = issuer.nonces = True
    wallet = await opened()
    await wallet.add(issuer.offer(), holder)
    paths = [path for path, _ in issuer.requests]
    assert paths.count("/nonce") == paths.count("/credential") == 1  # no refusal was needed
    assert paths.count("/par") == 2  # where nobody had given one


async def test_no_two_issuances_show_the_same_key(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication, issuer.dpop = "attest_jwt_client_auth", True
    wallet = await opened()
    for _ in range(2):
        await wallet.add(issuer.offer(), holder)
    pushed = [parse_qs(body.decode()) for path, body in issuer.requests if path == "/par"]
    assert len({one["dpop_jkt"][0] for one in pushed}) == 2
    assert len(issuer.instances) == 2
    assert len({key["x"] for key in issuer.bound}) == 2


async def test_ca_05_a_proof_algorithm_that_the_wallet_cannot(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication = "attest_jwt_client_auth"
    algorithms = {"client_attestation_pop_signing_alg_values_supported": ["RS256"]}
    issuer.edits["server_metadata"] = lambda document: {**document, **algorithms}
    error = await refusal(await opened(), issuer, holder)
    assert error.code == "client_authentication_unsupported"


async def test_haip_01_04_05_everything_at_once(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication, issuer.challenges = "attest_jwt_client_auth", "endpoint"
    issuer.dpop = issuer.nonces = issuer.zips = True
    issuer.encrypts, issuer.batch_size = "A256GCM", 2
    issuer.proof_types = {"attestation": {"proof_signing_alg_values_supported": ["ES256"]}}
    wallet = await opened(batch="2", dpop="required")
    await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1
    assert len(issuer.notified) == 1


# Refusals.


async def refusal(wallet: Wallet, issuer: DemandingSimulator, holder: WillingHolder) -> WalletError:
    with pytest.raises(WalletError) as caught:
        await wallet.add(issuer.offer(), holder)
    assert await wallet.cards() == ()
    return caught.value


async def test_dpop_a_nonce_is_asked_for_once_only(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    async def never_enough(_: Request) -> Response:
        return JSONResponse({"error": "use_dpop_nonce"}, 400, {"DPoP-Nonce": "again"})

    issuer.dpop = True
    issuer.answers["/token"] = never_enough
    error = await refusal(await opened(), issuer, holder)
    assert (error.code, error.peer_error) == ("token_refused", "use_dpop_nonce")
    assert [path for path, _ in issuer.requests].count("/token") == 2


async def test_dpop_a_nonce_that_is_asked_for_and_not_given(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    async def without(_: Request) -> Response:
        return JSONResponse({"error": "use_dpop_nonce"}, 400)

    issuer.dpop = True
    issuer.answers["/par"] = without
    error = await refusal(await opened(), issuer, holder)
    assert (error.code, error.peer_error) == ("authorization_refused", "use_dpop_nonce")
    assert [path for path, _ in issuer.requests].count("/par") == 1


def bearer(token: Any) -> Any:
    return {**token, "token_type": "bearer"}


async def test_dpop_a_token_that_was_not_bound(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.dpop = True
    issuer.edits["bound_token"] = bearer
    error = await refusal(await opened(), issuer, holder)
    assert isinstance(error, PeerBrokeProtocol)
    assert error.code == "token_not_bound"
    assert not [path for path, _ in issuer.requests if path == "/credential"]


async def test_dpop_a_bearer_token_where_the_holder_lets_it(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.dpop = True
    issuer.edits["bound_token"] = bearer
    seen: list[Any] = []
    issuer.answers["/credential"] = refused_as_bearer(seen)
    error = await refusal(await opened(dpop="optional"), issuer, holder)
    assert error.code == "credential_refused"
    assert seen == [("Bearer token-sentinel", None)]


def refused_as_bearer(seen: list[Any]) -> Callable[[Request], Any]:
    async def refused(request: Request) -> Response:
        seen.append((request.headers["authorization"], request.headers.get("dpop")))
        return JSONResponse({"error": "credential_request_denied"}, 400)

    return refused


async def test_dpop_a_token_bound_to_nothing(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.edits["token"] = lambda token: {**token, "token_type": "DPoP"}
    error = await refusal(await opened(dpop="never"), issuer, holder)
    assert error.code == "token_response_invalid"


async def test_dpop_required_and_not_to_be_had(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    error = await refusal(await opened(dpop="required"), issuer, holder)
    assert isinstance(error, Unsupported)
    assert error.code == "dpop_unsupported"


@pytest.mark.parametrize("authentication", AUTHENTICATIONS[1:])
async def test_a_client_that_cannot_authenticate(
    authentication: str, issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication = authentication
    wallet = await opened(client_key=None, wallet_provider="")
    error = await refusal(wallet, issuer, holder)
    assert error.code == "client_authentication_unsupported"
    assert not [path for path, _ in issuer.requests if path in ("/par", "/authorize")]


async def test_a_method_that_was_set_and_lacks_its_key(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    wallet = await opened(client_key=None, client_authentication="private_key_jwt")
    error = await refusal(wallet, issuer, holder)
    assert error.code == "client_authentication_unsupported"


async def test_a_method_that_was_set_is_used_whatever_the_server_says(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    methods = {"token_endpoint_auth_methods_supported": ["tls_client_auth"]}
    issuer.edits["server_metadata"] = lambda document: {**document, **methods}
    wallet = await opened(client_authentication="none")
    await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1


async def test_one_servers_own_settings(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication = "private_key_jwt"
    table = f'["{issuer.url}"]\nclient_id = "wallet"\nclient_authentication = "private_key_jwt"\n'
    wallet = await opened(client_id="other", client_authentication="none", servers=[table])
    await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1


async def test_ca_04_a_fresh_attestation_is_got_once(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    seen: list[str] = []

    async def never_fresh(request: Request) -> Response:
        seen.append(request.headers["oauth-client-attestation"])
        return JSONResponse({"error": "use_fresh_attestation"}, 400)

    issuer.authentication = "attest_jwt_client_auth"
    issuer.answers["/par"] = never_fresh
    error = await refusal(await opened(), issuer, holder)
    assert isinstance(error, PeerRefused)
    assert error.peer_error == "use_fresh_attestation"
    assert len(set(seen)) == len(seen) == 2


async def test_ca_04_a_challenge_endpoint_that_gives_none(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    async def nothing(_: Request) -> Response:
        return JSONResponse({})

    issuer.authentication, issuer.challenges = "attest_jwt_client_auth", "endpoint"
    issuer.answers["/challenge"] = nothing
    error = await refusal(await opened(), issuer, holder)
    assert error.code == "challenge_response_invalid"


async def test_enc_02_a_credential_that_comes_in_clear(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.encrypts = "A128GCM"
    issuer.edits["encrypted_response"] = lambda _: JSONResponse({"credentials": []})
    error = await refusal(await opened(), issuer, holder)
    assert error.code == "response_not_encrypted"


async def test_enc_01_what_cannot_be_decrypted(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.encrypts = "A128GCM"
    issuer.edits["encrypted_response"] = lambda _: Response(
        "a.b.c.d.e", media_type="application/jwt"
    )
    error = await refusal(await opened(), issuer, holder)
    assert error.code == "decryption_failed"


# Later: put off, and issued anew.


async def test_def_01_put_off_with_everything_proved_and_encrypted(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.dpop = issuer.nonces = True
    issuer.encrypts, issuer.deferrals = "A256GCM", 2
    wallet = await opened()
    received = await wallet.add(issuer.offer(), holder)
    pending = received.pending
    for _ in range(2):
        await wallet.close()  # the keys and nonces of the process are gone
        await wallet.open(Secret("correct horse"))
        received = await wallet.resume(pending.id, holder)
    assert len(received.cards) == 1
    bodies = [body for path, body in issuer.requests if path == "/deferred"]
    assert len(bodies) >= 2
    assert all(body.count(b".") == 4 for body in bodies)  # CRED-05: the wish is sent each time


async def test_ca_06_the_same_keys_for_a_refresh_token(
    issuer: DemandingSimulator, opened: Opener, holder: WillingHolder
) -> None:
    issuer.authentication, issuer.dpop, issuer.nonces = "attest_jwt_client_auth", True, True
    issuer.refreshes = True
    wallet = await opened()
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    await wallet.close()
    await wallet.open(Secret("correct horse"))
    [renewed] = (await wallet.refresh(card.id, holder)).cards
    assert renewed.id == card.id
    assert len(issuer.bound) == 2
