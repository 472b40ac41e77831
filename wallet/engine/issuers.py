"""Finding out who signed a credential: asks the places where issuers publish their keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from wallet.errors import PeerRefused, Unreachable, VerificationFailed
from wallet.oauth.documents import succeeded
from wallet.ports import Clock, Http, HttpResponse
from wallet.records import JsonObject
from wallet.trust.anchors import Anchors
from wallet.trust.dids import DID_DOCUMENT, did_web_url, key_of, read_did_document
from wallet.trust.dids import RULE as DID_RULE
from wallet.trust.issuer import (
    Issuer,
    Signer,
    by_certificate,
    by_identifier,
    by_metadata,
    unreachable,
    untrusted,
)
from wallet.trust.jwt_vc_issuer import RULE, metadata_url, read_jwt_vc_issuer, read_key_set
from wallet.trust.key_sets import JSON, JWK_SET, KeySet, signing_keys
from wallet.trust.methods import Method, method_of

T = TypeVar("T")

FOR_A_WHILE: Final = ("server_error", "busy")
"""Refusals after which the same may succeed later."""


@dataclass(frozen=True)
class Issuers:
    """Who issuers are, for one run.

    Attributes:
        http: How they are asked.
        anchors: Whom the holder trusts.
        clock: Tells whether certificates are valid.
        fetched: What was answered, by URL.
    """

    http: Http
    anchors: Anchors
    clock: Clock
    fetched: dict[str, HttpResponse] = field(default_factory=dict)

    async def issuer_of(
        self,
        signer: Signer,
        credential_format: str,
        credential_issuer: str,
        named: Sequence[JsonObject] = (),
    ) -> Issuer:
        """Who signed a credential, and what that is worth.

        Args:
            signer: What the credential says.
            credential_format: Credential Format Identifier.
            credential_issuer: Where it came from.
            named: Keys in that issuer's metadata, where the holder chose to believe them: they
                take the place of what a credential without certificates would be asked for.

        Raises:
            VerificationFailed: `issuer_untrusted` where nobody says whose it is,
                `issuer_keys_invalid` where the document that should is wrong.
            PeerBrokeProtocol: As `wallet.ports.Http.get`.
        """
        if signer.chain is not None:
            method_of(signer, credential_format)
            return by_certificate(signer.chain, self.anchors, self.clock.now())
        if named:
            return by_metadata(signer, named, credential_issuer)
        method = method_of(signer, credential_format)
        try:
            find = self._of_did if method is Method.DID else self._of_web_issuer
            keys = await find(signer)
        except Unreachable as error:
            return unreachable(signer, error)
        except PeerRefused as error:
            if error.code in FOR_A_WHILE:
                return unreachable(signer, error)
            reason = f"there are no keys of {signer.issuer[:200]}: {error.detail}"
            raise untrusted(reason, RULE, url=error.url) from None
        return by_identifier(signer, keys, self.anchors, credential_issuer)

    async def _of_web_issuer(self, signer: Signer) -> tuple[JsonObject, ...]:
        """The keys at the issuer's domain (SD-JWT VC, section 5)."""
        url = metadata_url(signer.issuer)
        answer = await self._fetched(url, JSON)
        found = _read(url, RULE, lambda: read_jwt_vc_issuer(answer, signer.issuer))
        if isinstance(found, KeySet):
            keys = found
        else:
            url = found
            key_set = await self._fetched(url, JWK_SET)
            keys = _read(url, RULE, lambda: read_key_set(key_set))
        return _read(url, RULE, lambda: signing_keys(keys, signer.key_id))

    async def _of_did(self, signer: Signer) -> tuple[JsonObject, ...]:
        """The key that a DID is, or those that its document names."""
        did = signer.issuer
        key = _read("", DID_RULE, lambda: key_of(did, signer.key_id))
        if key is not None:
            return (key,)
        try:
            url = did_web_url(did)
        except ValueError:
            reason = f"the wallet knows no DID like {did[:100]!r}"
            raise untrusted(reason, DID_RULE) from None
        answer = await self._fetched(url, DID_DOCUMENT)
        return _read(url, DID_RULE, lambda: read_did_document(answer, did, signer.key_id))

    async def _fetched(self, url: str, media_types: Sequence[str]) -> HttpResponse:
        """What is at `url`, asked for once."""
        if url not in self.fetched:
            answer = await self.http.get(url, accept=", ".join(media_types))
            self.fetched[url] = succeeded(answer, "credential_refused")
        return self.fetched[url]


def _read(url: str, rule: str, read: Callable[[], T]) -> T:
    """What `read` reads. Raises `VerificationFailed`."""
    try:
        return read()
    except ValueError as error:
        raise _invalid(str(error), rule, url) from None


def _invalid(reason: str, rule: str, url: str) -> VerificationFailed:
    return untrusted(
        f"what it publishes is not valid: {reason}", rule, url=url, code="issuer_keys_invalid"
    )
