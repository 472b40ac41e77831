"""The fake of DIDroom's servers answers as the real ones did."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from tests.support.didroom import CLIENT_ID, FORM, Didroom, b64, didroom, header_of
from tests.support.didroom_proofs import signature, verify
from tests.vectors import vector

VERIFIER = "v" * 43
BACK = "http://127.0.0.1:9123/cb"
CONFIGURATIONS = ("test_credential", "UniversityDegree_LDP_VC")


@pytest.fixture
def pair() -> Iterator[Didroom]:
    with didroom() as pair:
        yield pair


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as client:
        yield client


class Holder:
    """A holder who speaks as the recorded one did."""

    def __init__(self, pair: Didroom, http: httpx.Client, configuration: str) -> None:
        self.pair, self.http, self.configuration = pair, http, configuration
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = ECKey.import_key(self.key).as_dict(private=False)

    def jwt(self, typ: str, claims: dict[str, Any], **header: Any) -> str:
        header = {"alg": "ES256", "typ": typ, **(header or {"jwk": self.jwk})}
        claims = {"iat": int(time.time()), **claims}
        parts = [b64(json.dumps(one).encode()) for one in (header, claims)]
        return ".".join([*parts, b64(signature(self.key, ".".join(parts).encode()))])

    def form(self, url: str, parameters: dict[str, str], **headers: str) -> httpx.Response:
        body = urlencode(parameters, quote_via=quote)
        return self.http.post(url, content=body, headers={"Content-Type": FORM, **headers})

    def push(self, **changed: str) -> httpx.Response:
        details = [
            {
                "type": "openid_credential",
                "credential_configuration_id": self.configuration,
                "locations": [self.pair.issuer_url],
            }
        ]
        parameters = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": BACK,
            "code_challenge": b64(hashlib.sha256(VERIFIER.encode()).digest()),
            "code_challenge_method": "S256",
            "state": "iCLslt0ywoM",
            "authorization_details": json.dumps(details),
            **changed,
        }
        parameters = {name: value for name, value in parameters.items() if value}
        return self.form(f"{self.pair.server_url}/par", parameters)

    def log_in(self, request_uri: str, **data: str) -> httpx.Response:
        entered = {
            "params": {"request_uri": request_uri, "client_id": CLIENT_ID},
            "data": data or {"email": "test@email.com", "password": "x"},
            "custom_code": self.configuration,
        }
        url = f"{self.pair.server_url}/authorize_backend"
        return self.form(url, {"form_input_and_params": json.dumps(entered)})

    def code(self) -> str:
        answer = self.log_in(self.push().json()["request_uri"])
        return answer.headers["location"].removeprefix(f"{BACK}?code=")

    def redeem(self, code: str, **changed: str) -> httpx.Response:
        parameters = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
            **changed,
        }
        url = f"{self.pair.server_url}/token"
        proof = self.jwt("dpop+jwt", {"jti": "j", "htm": "POST", "htu": "anything"})
        return self.form(url, parameters, DPoP=proof)

    def token(self) -> str:
        return str(self.redeem(self.code()).json()["access_token"])

    def nonce(self) -> str:
        return str(self.http.post(f"{self.pair.issuer_url}/nonce").json()["c_nonce"])

    def proof(self, **header: Any) -> str:
        claims = {"aud": self.pair.issuer_url, "nonce": self.nonce(), "iss": CLIENT_ID}
        return self.jwt("openid4vci-proof+jwt", claims, **header)

    def ask(self, authorization: str, **changed: Any) -> httpx.Response:
        body = {
            "format": "anything",
            "credential_configuration_id": self.configuration,
            "proof": {"proof_type": "jwt", "jwt": self.proof()},
            **changed,
        }
        body = {name: value for name, value in body.items() if value}
        return self.http.post(
            f"{self.pair.issuer_url}/credential",
            json=body,
            headers={"Authorization": authorization},
        )


def recorded(configuration: str) -> dict[str, Any]:
    exchange = vector(f"didroom/issuance_{configuration}.json")["exchange"]
    return {one["step"]: one["response"] for one in exchange}


def shape(value: Any) -> Any:
    """What is compared of a JSON value: its members, not what they say."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def same(answer: httpx.Response, response: dict[str, Any]) -> None:
    assert answer.status_code == response["status"]
    for name in ("content-type", "cache-control"):
        assert answer.headers.get(name) == response["headers"].get(name)
    if isinstance(response["body"], dict):
        assert shape(answer.json()) == shape(response["body"])
    elif response["status"] >= 400:
        with pytest.raises(ValueError, match="Expecting value"):
            answer.json()


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_each_recorded_step(pair: Didroom, http: httpx.Client, configuration: str) -> None:
    holder, steps = Holder(pair, http, configuration), recorded(configuration)
    same(
        http.get(f"{pair.issuer_url}/.well-known/openid-credential-issuer"),
        steps["issuer metadata"],
    )
    same(
        http.get(f"{pair.server_url}/.well-known/oauth-authorization-server"), steps["as metadata"]
    )

    pushed = holder.push()
    same(pushed, steps["par"])
    request_uri = pushed.json()["request_uri"]
    signed_in = holder.log_in(request_uri)
    same(signed_in, steps["login form submit"])
    location = urlsplit(signed_in.headers["location"])
    assert location.query.startswith("code=eyJ")
    assert "&" not in location.query  # no state, no iss
    code = location.query.removeprefix("code=")

    token = holder.redeem(code)
    same(token, steps["token"])
    assert token.json()["expires_in"] > 1_700_000_000
    same(holder.redeem(code), steps["token, code reused (rejected)"])
    same(http.post(f"{pair.issuer_url}/nonce"), steps["nonce"])
    access_token = token.json()["access_token"]
    seen = http.post(f"{pair.server_url}/introspection", json={"token": access_token})
    same(seen, steps["introspection (issuer side)"])

    lower = f"bearer {access_token}"
    same(holder.ask(lower), steps["credential"])
    final = holder.ask(lower, format="", proof=None, proofs={"jwt": [holder.proof()]})
    same(final, steps["credential with a 1.0 body (rejected)"])
    same(holder.ask(f"Bearer {access_token}"), steps["credential with scheme Bearer (rejected)"])
    unknown = holder.ask(lower, credential_configuration_id="nope")
    same(unknown, steps["unknown configuration id (200 without credentials)"])
    refused = holder.log_in(holder.push().json()["request_uri"], wrongemail="a")
    same(refused, steps["login refused by custom code"])
    assert "ZENROOM" in refused.headers["location"]
    assert refused.headers["location"].endswith("&error=server_error")


def test_its_offer(pair: Didroom, http: httpx.Client) -> None:
    page = http.get(f"{pair.issuer_url}/test_credential/deeplink")
    assert page.headers["content-type"].startswith("text/html")
    assert page.text == pair.offer("test_credential")


def issued(holder: Holder) -> Any:
    return holder.ask(f"bearer {holder.token()}").json()["credentials"][0]["credential"]


def parts(sd_jwt: str) -> tuple[Any, Any, list[Any]]:
    jwt, *disclosures, last = sd_jwt.split("~")
    assert last == ""
    decoded = [base64.urlsafe_b64decode(one + "==") for one in (jwt.split(".")[1], *disclosures)]
    payload, *claims = [json.loads(one) for one in decoded]
    return header_of(jwt), payload, claims


def test_an_sd_jwt_as_theirs(pair: Didroom, http: httpx.Client) -> None:
    holder = Holder(pair, http, "test_credential")
    ours = issued(holder)
    theirs = recorded("test_credential")["credential"]["body"]["credentials"][0]["credential"]
    for one, key in (
        (ours, pair.issuer_metadata()["jwks"]["keys"][0]),
        (theirs, vector("didroom/openid-credential-issuer.json")["jwks"]["keys"][0]),
    ):
        public = {name: key[name] for name in ("kty", "crv", "x", "y")}
        jws.deserialize_compact(one.split("~")[0], ECKey.import_key(public), ["ES256"])
    assert shape(parts(ours)) == shape(parts(theirs))
    assert parts(ours)[0] == parts(theirs)[0] == {"alg": "ES256", "typ": "dc+sd-jwt"}
    assert "vct" not in parts(theirs)[1]
    for name in ("x", "y"):
        assert parts(ours)[1]["cnf"]["jwk"][name] == holder.jwk[name]


def test_a_data_integrity_proof_as_theirs(pair: Didroom, http: httpx.Client) -> None:
    ours = issued(Holder(pair, http, "UniversityDegree_LDP_VC"))
    response = recorded("UniversityDegree_LDP_VC")["credential"]
    theirs = response["body"]["credentials"][0]["credential"]
    document = vector("didroom/openid-credential-issuer.json")
    x, y = (
        int.from_bytes(base64.urlsafe_b64decode(document["jwks"]["keys"][0][name] + "="))
        for name in ("x", "y")
    )
    verify(theirs, ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
    verify(ours, pair.key.public_key())
    assert shape(ours) == shape(theirs)
    with pytest.raises(InvalidSignature):
        verify({**theirs, "validUntil": "2099-12-24T12:19:14Z"}, pair.key.public_key())


# What it demands and forgives beyond the recordings.


def test_what_the_request_must_look_like(pair: Didroom, http: httpx.Client) -> None:
    holder = Holder(pair, http, "test_credential")
    assert holder.push(scope="test_credential").status_code == 201  # the scope is ignored
    assert holder.push(scope="test_credential", authorization_details="").status_code == 400
    assert holder.push(client_id="https://wallet.example").status_code == 400
    assert holder.push(state="").status_code == 422
    [details] = json.loads(
        '[{"type":"openid_credential","credential_configuration_id":"test_credential"}]'
    )
    placed = {**details, "locations": [pair.issuer_url]}
    assert holder.push(authorization_details=json.dumps([placed])).status_code == 201
    assert holder.push(authorization_details=json.dumps([details])).status_code == 400
    assert holder.push(authorization_details=json.dumps([placed, placed])).status_code == 400
    url = f"{pair.server_url}/par"
    plus = urlencode({"authorization_details": json.dumps([placed])})
    assert "+" in plus
    pushed = holder.push(authorization_details="").request.content.decode() + "&" + plus
    assert http.post(url, content=pushed, headers={"Content-Type": FORM}).status_code == 400
    compact = pushed.replace("+", "%20")
    assert http.post(url, content=compact, headers={"Content-Type": FORM}).status_code == 201
    charset = {"Content-Type": f"{FORM};charset=utf-8"}
    assert http.post(url, content=compact, headers=charset).status_code == 415


def test_raw_colons(pair: Didroom, http: httpx.Client) -> None:
    uri = Holder(pair, http, "test_credential").push().json()["request_uri"]
    url, encoded = f"{pair.server_url}/authorize", quote(CLIENT_ID)
    assert http.get(f"{url}?client_id={encoded}&request_uri={uri}").status_code == 200
    refused = http.get(f"{url}?client_id={encoded}&request_uri={quote(uri)}")
    assert (refused.status_code, refused.text) == (403, "Forbidden")


def test_one_flow_at_a_time(pair: Didroom, http: httpx.Client) -> None:
    holder = Holder(pair, http, "test_credential")
    first, second = holder.code(), holder.code()
    assert holder.redeem(first).status_code == 200
    assert holder.redeem(second).status_code == 500


def test_what_burns_a_code(pair: Didroom, http: httpx.Client) -> None:
    holder = Holder(pair, http, "test_credential")
    code = holder.code()
    assert holder.redeem(code, code_verifier="w" * 43).status_code == 500
    assert holder.redeem(code).status_code == 200
    code = holder.code()
    assert holder.redeem(code, redirect_uri="http://127.0.0.1:1/").status_code == 500
    assert holder.redeem(code).status_code == 500


def test_a_redirect_uri_with_a_query_is_mangled(pair: Didroom, http: httpx.Client) -> None:
    holder = Holder(pair, http, "test_credential")
    pushed = holder.push(redirect_uri=f"{BACK}?a=b&c=d")
    location = holder.log_in(pushed.json()["request_uri"]).headers["location"]
    assert location.startswith(f"{BACK}?a&code=")


def test_what_a_proof_needs(pair: Didroom, http: httpx.Client) -> None:
    holder = Holder(pair, http, "test_credential")
    lower = f"bearer {holder.token()}"
    by_kid = {"proof_type": "jwt", "jwt": holder.proof(kid="did:jwk:x#0")}
    assert holder.ask(lower, proof=by_kid).status_code == 500
    stale = holder.jwt("openid4vci-proof+jwt", {"nonce": "stale", "iss": CLIENT_ID})
    assert holder.ask(lower, proof={"proof_type": "jwt", "jwt": stale}).status_code == 500
    also = {"jwt": [holder.proof()]}
    assert holder.ask(lower, proofs=also).status_code == 200  # extra members are ignored
    assert holder.ask(lower).status_code == 200  # the token is good for more


def test_how_a_nonce_is_asked_for(pair: Didroom, http: httpx.Client) -> None:
    url = f"{pair.issuer_url}/nonce"
    assert http.post(url, json={}).status_code == 200
    assert http.post(url, content=b"x", headers={"Content-Type": FORM}).status_code == 415


def test_the_inserted_path_is_not_there(pair: Didroom, http: httpx.Client) -> None:
    for url, name in (
        (pair.issuer_url, "openid-credential-issuer"),
        (pair.server_url, "oauth-authorization-server"),
    ):
        parts = urlsplit(url)
        inserted = f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}"
        assert http.get(inserted).status_code == 404
