"""A simulated issuer of an older draft, which takes nothing newer."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from tests.support.simulator import PRE_AUTHORIZED_CODE, VCT, Simulator

CLAIMS = {
    "family_name": {"mandatory": True, "display": [{"name": "Surname", "locale": "en"}]},
    "given_name": {},
}


class Draft13(Simulator):
    """Its nonce comes with the token and with refusals."""

    stale = 0
    """How many proofs it refuses for their nonce."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[dict[str, Any]] = []
        self.edits["token"] = lambda token: {**token, "c_nonce": "nonce-0-sentinel"}
        self.edits["header"] = lambda header: {**header, "typ": "vc+sd-jwt"}

    def old_configuration(self) -> dict[str, Any]:
        return {
            "format": "vc+sd-jwt",
            "vct": VCT,
            "scope": "card",
            "cryptographic_binding_methods_supported": ["jwk"],
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
            "display": [{"name": "Simulated Card", "locale": "en"}],
            "claims": CLAIMS,
        }

    def issuer_metadata(self) -> dict[str, Any]:
        return {
            "credential_issuer": self.url,
            "credential_endpoint": f"{self.url}/credential",
            "deferred_credential_endpoint": f"{self.url}/deferred",
            "credential_configurations_supported": {"card": self.old_configuration()},
        }

    def _protected(self, path: str, document: dict[str, Any]) -> Response:
        self.asked.append(document)
        if path == "/credential":
            if not self._right(document):
                return JSONResponse({"error": "unsupported_credential_type"}, 400)
            wanted = f"nonce-{self.stale}-sentinel"
            if self._claims(document["proof"]["jwt"])["nonce"] != wanted:
                return JSONResponse({"error": "invalid_proof", "c_nonce": wanted}, 400)
            newer = {"credential_configuration_id": "card"}
            document = {**newer, "proofs": {"jwt": [document["proof"]["jwt"]]}}
        answer = super()._protected(path, document)
        body = json.loads(bytes(answer.body) or b"{}")
        if "credentials" in body:
            return JSONResponse({"credential": body["credentials"][0]["credential"]})
        if "transaction_id" in body and path == "/deferred":
            return JSONResponse({"error": "issuance_pending", "interval": self.interval_s}, 400)
        return answer

    def _right(self, document: dict[str, Any]) -> bool:
        return (
            document.keys() == {"format", "vct", "proof"}
            and document["format"] == "vc+sd-jwt"
            and document["vct"] == VCT
        )

    @staticmethod
    def _claims(jwt: str) -> Any:
        payload = jwt.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Draft11(Draft13):
    """Its offers name formats and types, its codes are PINs."""

    def old_offer(self, *, pin: str) -> str:
        """An offer with a pre-authorized code and a PIN."""
        self._pre_authorized["pre-authorized-sentinel"] = pin
        return self.offer(
            credential_configuration_ids=None,
            credentials=[{"format": "vc+sd-jwt", "vct": VCT}],
            grants={
                PRE_AUTHORIZED_CODE: {
                    "pre-authorized_code": "pre-authorized-sentinel",
                    "user_pin_required": True,
                }
            },
        )

    def offer(self, **members: Any) -> str:
        document = {"credential_issuer": self.url, **members}
        document = {name: value for name, value in document.items() if value is not None}
        return "openid-credential-offer://?" + urlencode({"credential_offer": json.dumps(document)})

    def issuer_metadata(self) -> dict[str, Any]:
        configuration = self.old_configuration()
        del configuration["proof_types_supported"]
        return {
            "credential_issuer": self.url,
            "credential_endpoint": f"{self.url}/credential",
            "credentials_supported": [{**configuration, "id": "card"}],
        }

    def server_metadata(self) -> dict[str, Any]:
        grants = ["authorization_code", PRE_AUTHORIZED_CODE]
        return {**super().server_metadata(), "grant_types_supported": grants}

    def _token(self, form: dict[str, str]) -> Response:
        pin = form.pop("user_pin", None)
        return super()._token({**form, "tx_code": pin} if pin else form)
