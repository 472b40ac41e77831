"""Coverage-guided fuzzing of everything that reads what others wrote.

Each target may end in a value or in one of the wallet's own errors; anything else, more than a
second for one input or too much memory is a finding. A new reader joins by a line in `TARGETS`.

    python -m tests.soak.fuzz TARGET RUNS CORPUS     one target, in a process of its own
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["wallet", "openvc"]):
    import openvc.proof.sd_jwt  # noqa: F401 - loaded late by whom it is a target for

    from wallet.credentials.contract import Expected, Format
    from wallet.credentials.jwt_vc import verification as jwt_vc
    from wallet.credentials.ldp_vc import verification as ldp_vc
    from wallet.credentials.mdoc import verification as mdoc
    from wallet.credentials.mdoc.diagnostic import diagnostic
    from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
    from wallet.credentials.sd_jwt_vc.disclosures import read_disclosure
    from wallet.credentials.sd_jwt_vc.second_verdict import objection
    from wallet.engine.positions import position_of
    from wallet.errors import WalletError
    from wallet.net.pictures import data_uri_bytes
    from wallet.oauth.par import read_pushed_request
    from wallet.oauth.redirect import read_authorization_response
    from wallet.oauth.server_metadata import ServerMetadata, read_server_metadata
    from wallet.openid4vci.credential import read_credential_response
    from wallet.openid4vci.issuer_metadata import read_issuer_metadata
    from wallet.openid4vci.nonce import read_nonce
    from wallet.openid4vci.offer import read_offer, read_offer_link
    from wallet.openid4vci.token import credential_identifiers, read_token_response
    from wallet.ports import HttpResponse
    from wallet.records import Flow, JsonObject, Secret
    from wallet.report import Trust
    from wallet.scan.decode import decode_still
    from wallet.strict import base64url_encode, json_object
    from wallet.trust.anchors import read_chain
    from wallet.trust.issuer import Issuer
    from wallet.urls import host_of, well_known
    from wallet.vault.backup import backup_of
    from wallet.vault.document import record_of

ISSUER: Final = "https://issuer.example"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
SERVER: Final = ServerMetadata(issuer=ISSUER, authorization_response_iss_parameter_supported=True)
EXPECTED: Final = Expected(
    {"vct": "urn:example:type", "credential_definition": {"type": ["VerifiableCredential"]}},
    (),
    (),
    NOW,
)
KEY: Final[JsonObject] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}
ANNEX_D: Final = json.loads(
    (Path(__file__).parents[1] / "vectors/mdoc/iso18013-5-annex-d.json").read_text()
)


def answered(data: bytes, status: int = 200) -> HttpResponse:
    return HttpResponse(ISSUER, status, {"content-type": "application/json"}, data)


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def token(data: bytes) -> None:
    credential_identifiers(read_token_response(answered(data)), ("card",))


def url(data: bytes) -> None:
    host_of(text(data))
    well_known(text(data), "openid-credential-issuer")


def issuer_metadata(data: bytes) -> None:
    metadata = read_issuer_metadata(answered(data), ISSUER)
    for name in metadata.credential_configurations_supported:
        metadata.configuration(name)


def redirect(data: bytes) -> None:
    read_authorization_response(text(data), state=Secret("state"), server=SERVER)


def disclosure(data: bytes) -> None:
    try:
        read_disclosure(text(data))
    except ValueError:
        pass


def credential(form: Format, data: bytes) -> None:
    """Without keys the signature is not checked, and all behind it is reached."""
    secret = Secret(text(data))
    chain = form.signer(secret, EXPECTED).chain
    form.verify(secret, Issuer(Trust.UNKNOWN, "", (chain.jwk,) if chain else (), ()), EXPECTED)


def sd_payload(data: bytes) -> None:
    """The payload and the disclosures in clear: a fuzzer does not find base64url by itself."""
    head = base64url_encode(b'{"alg":"ES256","typ":"dc+sd-jwt"}')
    body, *disclosures = data.split(b"\n")
    jwt = f"{head}.{base64url_encode(body)}.AA"
    whole = "~".join([jwt, *map(base64url_encode, disclosures), ""])
    credential(sd_jwt_vc, whole.encode())


def vc_payload(data: bytes) -> None:
    credential(jwt_vc, f"eyJhbGciOiJFUzI1NiJ9.{base64url_encode(data)}.AA".encode())


def second_verdict(data: bytes) -> None:
    objection(text(data), KEY, None)


def mobile_document(data: bytes) -> None:
    credential = Secret(base64url_encode(data))
    chain = mdoc.signer(credential, EXPECTED).chain
    issuer = Issuer(Trust.UNKNOWN, "", (chain.jwk,) if chain else (), ())
    unverified = Issuer(Trust.UNVERIFIED, "", (), ())
    for one in (issuer, unverified):
        try:
            mdoc.verify(credential, one, EXPECTED)
        except WalletError:
            pass


def notation(data: bytes) -> None:
    try:
        diagnostic(data)
    except ValueError:
        pass


def certificates(data: bytes) -> None:
    try:
        read_chain(data.split(b"\0\0\0\0"))
    except ValueError:
        pass


def flow(data: bytes) -> None:
    try:
        document = json_object(data)
    except ValueError:
        return
    position_of(Flow("flow", (), document))


TARGETS: Final[Mapping[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]]] = {
    "offer link": (
        lambda data: read_offer_link(text(data)),
        (b"openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F"
         b"%2Fa%22%2C%22credential_configuration_ids%22%3A%5B%22c%22%5D%7D",
         b"haip-vci://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo"),
    ),
    "offer": (
        lambda data: read_offer(answered(data)),
        (b'{"credential_issuer":"https://a","credential_configuration_ids":["c"],"grants":'
         b'{"authorization_code":{"issuer_state":"s"}}}',),
    ),
    "issuer metadata": (
        issuer_metadata,
        (b'{"credential_issuer":"https://issuer.example","credential_endpoint":"https://a/c",'
         b'"credential_configurations_supported":{"card":{"format":"dc+sd-jwt","vct":"t",'
         b'"credential_metadata":{"claims":[{"path":["a",null,0]}]}}}}',),
    ),
    "server metadata": (
        lambda data: read_server_metadata(answered(data), ISSUER),
        (b'{"issuer":"https://issuer.example","token_endpoint":"https://a/t"}',),
    ),
    "pushed request": (
        lambda data: read_pushed_request(answered(data, 201)),
        (b'{"request_uri":"urn:a","expires_in":60}',),
    ),
    "redirect": (redirect, (b"code=c&state=state&iss=https%3A%2F%2Fissuer.example",)),
    "token": (
        token,
        (b'{"access_token":"t","token_type":"Bearer","authorization_details":[{"type":'
         b'"openid_credential","credential_configuration_id":"card",'
         b'"credential_identifiers":["x"]}]}',),
    ),
    "nonce": (lambda data: read_nonce(answered(data)), (b'{"c_nonce":"n"}',)),
    "credential response": (
        lambda data: read_credential_response(answered(data)),
        (b'{"credentials":[{"credential":"c"}],"notification_id":"n"}',),
    ),
    "sd-jwt vc": (
        lambda data: credential(sd_jwt_vc, data),
        (b"eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCIsIng1YyI6WyJBQSJdfQ.e30.AA~WyJhIiwiYiIsMV0~",),
    ),
    "sd-jwt vc in clear": (
        sd_payload,
        (b'{"vct":"urn:example:type","exp":9999999999,"_sd_alg":"sha-256","_sd":["'
         b'eueKj0-N56R5lWp2GuVbXFi1yC-0xuqay4UmCSUokXM"],"a":[{"...":"d"}],"status":{}}\n'
         b'["s","name",1]',),
    ),
    "second verdict": (
        second_verdict,
        (b"eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCJ9.e30.AA~WyJhIiwiYiIsMV0~",),
    ),
    "jwt vc": (
        lambda data: credential(jwt_vc, data),
        (b"eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsIng1YyI6WyJBQSJdfQ.eyJ2YyI6e319.AA",),
    ),
    "jwt vc in clear": (
        vc_payload,
        (b'{"iss":"https://a","nbf":1,"vc":{"@context":["https://www.w3.org/2018/credentials/v1"],'
         b'"type":["VerifiableCredential"],"credentialSubject":{"id":"did:jwk:e30"},'
         b'"issuanceDate":"1970-01-01T00:00:01Z"},"sub":"did:jwk:e30","cnf":{"jwk":{}}}',),
    ),
    "ldp_vc": (
        lambda data: credential(ldp_vc, data),
        (b'{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],'
         b'"issuer":"did:web:a.example","credentialSubject":{"a":1},"proof":{"type":'
         b'"DataIntegrityProof","cryptosuite":"ecdsa-jcs-2019","proofPurpose":"assertionMethod",'
         b'"proofValue":"z1","verificationMethod":"did:web:a.example#k"}}',),
    ),
    "mdoc": (mobile_document, (bytes.fromhex(ANNEX_D["derived"]["issuer_signed_hex"]),)),
    "diagnostic notation": (
        notation, (bytes.fromhex(ANNEX_D["derived"]["issuer_signed_hex"]), b"\xd8\x18\x41\x01"),
    ),
    "disclosure": (disclosure, (b"WyJhIiwiYiIsMV0", b"WyJhIiwxXQ")),
    "certificates": (certificates, (b"\x30\x82\x01\x00",)),
    "data uri": (
        lambda data: data_uri_bytes("data:" + text(data)),
        (b"image/png;base64,iVBORw0KGgo=", b"text/plain,a%20b"),
    ),
    "code": (decode_still, (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",)),
    "url": (url, (b"https://issuer.example/tenant", b"http://127.0.0.1:1/")),
    "record": (record_of, (b'{"version":1}',)),
    "flow": (flow, (b'{"stage":"consent"}', b'{"stage":"asking","authorized":{}}')),
    "backup": (
        backup_of,
        (b'{"format": "oid4vci-wallet backup", "version": 1, "wallet_id": "a", "generation": 1, '
         b'"made_at": "2026-01-01T00:00:00+00:00", "settings": ""}\n{"records": 0}\n',),
    ),
}  # fmt: skip


def fuzz(name: str, runs: int, corpus: Path) -> None:
    """Fuzz one target; does not return: libFuzzer ends the process."""
    target, seeds = TARGETS[name]
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        try:
            target(data)
        except WalletError:
            pass

    options = [f"-runs={runs}", "-max_len=4096", "-timeout=1", "-rss_limit_mb=1024"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/found-", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
