"""The status list of a simulated issuer."""

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import Response

from tests.support.simulator import Authority, Simulator, b64

TYPE = "application/statuslist+jwt"


@dataclass
class Lists:
    """The status list of a simulated issuer.

    Attributes:
        values: What it says, by the index.
        members: Claims that differ.
        authority: Who signs it.
    """

    issuer: Simulator
    authority: Authority
    values: dict[int, int] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    answer: Callable[[], Response] | None = None

    @property
    def uri(self) -> str:
        return f"{self.issuer.url}/status"

    async def answered(self, _request: Request) -> Response:
        if self.answer is not None:
            return self.answer()
        statuses = bytearray(1024)
        for index, value in self.values.items():
            statuses[index // 4] |= value << index % 4 * 2
        now = int(self.issuer.now().timestamp())
        claims = {
            "sub": self.uri,
            "iat": now,
            "exp": now + 3600,
            "ttl": 600,
            "status_list": {"bits": 2, "lst": b64(zlib.compress(statuses))},
            **self.members,
        }
        der = self.authority.leaf.public_bytes(serialization.Encoding.DER)
        header = {"alg": "ES256", "typ": "statuslist+jwt", "x5c": [base64.b64encode(der).decode()]}
        registry = jws.JWSRegistry()
        registry.max_header_length = 16_384
        key = ECKey.import_key(self.authority.leaf_key)
        return Response(
            jws.serialize_compact(header, json.dumps(claims), key, registry=registry),
            media_type=TYPE,
        )

    @property
    def asked(self) -> int:
        return [path for path, _ in self.issuer.requests].count("/status")


def listed(issuer: Simulator) -> Lists:
    """Let the credentials of an issuer have places in a list, from 1 on."""
    found = Lists(issuer, issuer.authority)
    issuer.answers["/status"] = found.answered
    places = count(1)
    issuer.edits["payload"] = lambda payload: {
        **payload,
        "status": {"status_list": {"idx": next(places), "uri": found.uri}},
    }
    return found
