"""Who the wallet is at authorization servers, in the files that it and they are given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey

from tests.integration.servers.peers import Provider


@dataclass
class Client:
    """The same wallet by another `client_id` for each way to authenticate.

    Attributes:
        folder: Of the files.
        keyed: The key of `private_key_jwt`.
    """

    folder: Path
    keyed: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "keyed"}))

    def __post_init__(self) -> None:
        self.provider = Provider(self.folder)
        self.key_file = self.folder / "keyed.json"
        self.key_file.write_text(json.dumps(self.keyed.as_dict(private=True)))
        self.provider_key = self.folder / "provider-key.pem"
        self.provider_key.write_bytes(
            self.provider.leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.chain = self.folder / "provider-chain.pem"
        self.chain.write_bytes(
            b"".join(
                one.public_bytes(serialization.Encoding.PEM)
                for one in (self.provider.leaf, self.provider.ca)
            )
        )
        self.clients_file = self.folder / "clients.json"
        keyed = {"client_id": "keyed", "name": "A wallet", "native": True}
        keys = {"keys": [self.keyed.as_dict(private=False)]}
        self.clients_file.write_text(
            json.dumps([{**keyed, "methods": ["private_key_jwt"], "jwks": keys}])
        )

    def flags(self, method: str) -> Mapping[str, object]:
        """Settings of a wallet that can authenticate in one way."""
        match method:
            case "private_key_jwt":
                return {"client_id": "keyed", "client_key": self.key_file}
            case "attest_jwt_client_auth":
                return {
                    "wallet_provider": "development",
                    "wallet_provider_key": self.provider_key,
                    "wallet_provider_chain": self.chain,
                }
            case _:
                return {}
