"""A wallet's side of the protocol, written for these tests only: every value is open to change."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.reference_servers import ReferenceServers

REDIRECT = "http://127.0.0.1:1234/callback"
OPENED: list[httpx.Client] = []


def session(**settings: Any) -> httpx.Client:
    """An HTTP session that is closed with the test."""
    OPENED.append(httpx.Client(trust_env=False, timeout=60, **settings))
    return OPENED[-1]


class Client:
    """A wallet's side of the protocol, every value of it open to change."""

    def __init__(self, servers: ReferenceServers) -> None:
        self.servers = servers
        self.http = session()
        self.key = ECKey.generate_key("P-256")
        self.verifier = secrets.token_urlsafe(48)

    def parameters(self, **changes: str | None) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        right: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "oid4vci-wallet",
            "redirect_uri": REDIRECT,
            "state": "the-state",
            "scope": "pid",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in right.items() if value is not None}

    def par(self, **changes: str | None) -> httpx.Response:
        url = f"{self.servers.server_url}/par"
        return self.http.post(url, data=self.parameters(**changes))

    def authorize_url(self, **changes: str | None) -> str:
        pushed = self.par(**changes)
        assert pushed.status_code == 201, pushed.text
        query = httpx.QueryParams(
            client_id="oid4vci-wallet", request_uri=pushed.json()["request_uri"]
        )
        return f"{self.servers.server_url}/authorize?{query}"

    def code(self, **changes: str | None) -> str:
        answer = dict(
            parse_qsl(urlsplit(self.servers.sign_in(self.authorize_url(**changes))).query)
        )
        assert (answer["state"], answer["iss"]) == ("the-state", self.servers.server_url)
        return answer["code"]

    def token(self, code: str, /, **changes: str | None) -> httpx.Response:
        right: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": "oid4vci-wallet",
            "code_verifier": self.verifier,
            **changes,
        }
        data = {name: value for name, value in right.items() if value is not None}
        return self.http.post(f"{self.servers.server_url}/token", data=data)

    def access_token(self, **changes: str | None) -> dict[str, Any]:
        answer = self.token(self.code(**changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def nonce(self) -> str:
        answer = self.http.post(f"{self.servers.issuer_url}/nonce")
        assert answer.headers["cache-control"] == "no-store"
        return str(answer.json()["c_nonce"])

    def proof(
        self,
        header: Mapping[str, Any] = {},
        claims: Mapping[str, Any] = {},
        key: ECKey | None = None,
    ) -> str:
        public = self.key.as_dict(private=False)
        whole = {"typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": public, **header}
        payload = {
            "iss": "oid4vci-wallet",
            "aud": self.servers.issuer_url,
            "iat": int(time.time()),
            **({} if "nonce" in claims else {"nonce": self.nonce()}),
            **claims,
        }
        return jwt.encode(
            {name: value for name, value in whole.items() if value is not None},
            {name: value for name, value in payload.items() if value is not None},
            key or self.key,
        )

    def credential(self, token: str, body: Any = None, **headers: str) -> httpx.Response:
        if body is None:
            body = {"credential_configuration_id": "pid", "proofs": {"jwt": [self.proof()]}}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(
            f"{self.servers.issuer_url}/credential",
            content=content,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **headers,
            },
        )


def payload_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]
