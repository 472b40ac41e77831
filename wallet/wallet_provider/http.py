"""A wallet provider on the network, by the interface of the EUDI reference implementation.

OpenID4VCI leaves the way to a wallet provider open. `eudi-srv-wallet-provider` publishes the only
one that several wallets use: the two endpoints for keys that the wallet names as JWKs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from wallet.errors import Unsupported
from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.ports import Http, HttpResponse
from wallet.records import HolderKey, JsonObject, Secret
from wallet.urls import host_of

_CODE: Final = "wallet_attestation_invalid"
_RULE: Final = "eudi-srv-wallet-provider, openapi.json"


class ClientAttestationResponse(Document):
    """The answer of `/wallet-instance-attestation/jwk`."""

    walletInstanceAttestation: str = Field(min_length=1, repr=False)  # noqa: N815


class KeyAttestationResponse(Document):
    """The answer of `/wallet-unit-attestation/jwk-set`."""

    walletUnitAttestation: str = Field(min_length=1, repr=False)  # noqa: N815


@dataclass(frozen=True)
class HttpProvider:
    """`WalletProvider` at a URL, to which its endpoints' paths are appended."""

    url: str
    http: Http

    async def client_attestation(self, key: HolderKey, client_id: str) -> Secret[str]:  # noqa: ARG002
        """See `wallet.ports.WalletProvider.client_attestation`; the provider knows the client."""
        answer = await self._ask(
            "/wallet-instance-attestation/jwk", {"jwk": {**key.public_jwk, "alg": key.algorithm}}
        )
        document = read_object(answer, _CODE, _RULE)
        read = read_document(ClientAttestationResponse, document, _CODE, _RULE, answer.url)
        return Secret(read.walletInstanceAttestation)

    async def key_attestation(
        self,
        keys: Sequence[HolderKey],
        *,
        nonce: Secret[str] | None,
        required: JsonObject,  # noqa: ARG002 - the provider says what is true
        algorithms: Sequence[str],
    ) -> Secret[str]:
        """See `wallet.ports.WalletProvider.key_attestation`."""
        asked: JsonObject = {
            "jwkSet": {"keys": [{**key.public_jwk, "alg": key.algorithm} for key in keys]},
            "supportedSigningAlgorithms": list(algorithms),
            **({"nonce": nonce.reveal()} if nonce is not None else {}),
        }
        answer = await self._ask("/wallet-unit-attestation/jwk-set", asked)
        document = read_object(answer, _CODE, _RULE)
        read = read_document(KeyAttestationResponse, document, _CODE, _RULE, answer.url)
        return Secret(read.walletUnitAttestation)

    async def key_certificates(self, key: HolderKey) -> tuple[bytes, ...]:  # noqa: ARG002
        """See `wallet.ports.WalletProvider.key_certificates`; there is no endpoint for them."""
        raise Unsupported("proof_unsupported", f"{host_of(self.url)} certifies no keys")

    async def _ask(self, path: str, document: JsonObject) -> HttpResponse:
        body = json.dumps(document, separators=(",", ":")).encode()
        url = self.url.removesuffix("/") + path
        answer = await self.http.post(url, body=body, content_type="application/json")
        return succeeded(answer, "provider_refused")
