"""The wallet plans: the suite plays an issuer to our wallet at the command line."""

import ssl
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey

from tests.conformance.plans import KEYED, Plan
from tests.conformance.suite import Suite
from tests.integration.servers.peers import Provider
from tests.interop.wallet_command import WalletCommand
from tests.matrix.client import Client
from tests.support.reference_servers import free_port
from tests.support.simulator import Authority

ALIAS = "oid4vci-wallet"
DEFERRED_S = 20
TX_CODE = "123456"
"""What the suite wants with every pre-authorized code."""


def _pem(provider: Provider) -> str:
    return provider.root.public_bytes(Encoding.PEM).decode()


@dataclass
class Holder:
    """A wallet, and whoever holds it at a browser.

    Attributes:
        suite: Its issuer.
        client: Who it is at authorization servers.
        redirect: Where the browser comes back to.
        issuers: Certifies the key of the suite's credentials.
    """

    suite: Suite
    client: Client
    issuers: Authority
    port: int
    folder: Path

    def __post_init__(self) -> None:
        self.anchor = self.folder / "issuers.pem"
        self.anchor.write_bytes(self.issuers.pem)

    @classmethod
    def new(cls, suite: Suite, folder: Path) -> "Holder":
        """One with keys and certificates of its own in an empty folder."""
        return cls(suite, Client(folder), Authority("Issuers"), free_port(), folder)

    def config(self, plan: Plan) -> Mapping[str, Any]:
        """The configuration of a plan."""
        signing = ECKey.import_key(self.issuers.leaf_key).as_dict(private=True)
        server = ECKey.generate_key("P-256", {"kid": "server", "alg": "ES256", "use": "sig"})
        client: dict[str, Any] = {
            "client_id": "keyed" if plan.method == KEYED else "oid4vci-wallet",
            "redirect_uri": f"http://127.0.0.1:{self.port}/callback",
            "scope": "accounts",
        }
        if plan.method == KEYED:
            key = self.client.keyed.as_dict(private=False)
            client["jwks"] = {"keys": [{**key, "alg": "ES256", "use": "sig"}]}
        return {
            "alias": ALIAS,
            "description": "An OpenID4VCI wallet at the command line",
            "server": {"jwks": {"keys": [server.as_dict(private=True)]}},
            "client": client,
            "credential": {
                "signing_jwk": {
                    **signing,
                    "kid": "credential",
                    "alg": "ES256",
                    "use": "sig",
                    "x5c": [b64encode(self.issuers.leaf.public_bytes(Encoding.DER)).decode()],
                }
            },
            "client_attestation": {
                "issuer": "Attester",
                "trust_anchor": _pem(self.client.provider),
                "key_attestation_trust_anchor_pem": _pem(self.client.provider),
            },
            "vci": {
                "credential_offer_endpoint": "openid-credential-offer://",
                "credential_configuration_id": plan.credential,
            },
            "waitTimeoutSeconds": 3,
            "maxWaitForAdditionalRequestSeconds": 3,
            "maxWaitForNotificationSeconds": 5,
        }

    def browse(self, url: str) -> None:
        """Open a page of the suite and go where it leads, up to the wallet's own."""
        trusted = ssl.create_default_context(cafile=self.suite.ca_file)
        with httpx.Client(verify=trusted, trust_env=False, follow_redirects=True) as browser:
            browser.get(url)

    def get(self, test: str, plan: Plan) -> tuple[int, Any]:
        """Get what a module has to give, with a new wallet: exit code, and what was printed."""
        self.suite.wait(test, 20, "WAITING")
        links = self.suite.to_visit(test)
        if links:
            asked = [links[0], "--tx-code", TX_CODE]
        else:
            issuer = self.suite.exposed(test)["credential_issuer"]
            asked = ["--issuer", issuer, "--configuration", plan.credential]
        kind = "authorization_details" if plan.by_details else "scope"
        return self._add(plan.method, *asked, "--authorization-request", kind)

    def _add(self, method: str, *arguments: str) -> tuple[int, Any]:
        """Run `wallet add`, and `wallet pending --check` until nothing is pending."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        wallet = WalletCommand(folder, self.suite.ca_file)
        flags = {
            **self.client.flags(method),
            "trust_anchor": self.anchor,
            "batch": 3,
            "redirect_port": self.port,
            "authorization_timeout": 10,
        }
        options = [part for k, v in flags.items() for part in (f"--{k.replace('_', '-')}", str(v))]
        how = ("--yes", "--no-browser", *options)
        code, said = wallet("add", *arguments, *how, browser=self.browse)
        until = time.monotonic() + DEFERRED_S
        while code == 0 and said["pending"] and time.monotonic() < until:
            time.sleep(1)
            code, said = wallet("pending", "--check", *options, browser=self.browse)
        return code, said
