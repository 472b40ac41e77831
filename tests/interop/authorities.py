"""Authorities that are not the demo's: of issuers and wallet providers of other people."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.support.simulator import Authority


def write_authority(folder: Path, name: str) -> tuple[Path, Path]:
    """An authority's certificate; and a key that it certifies, followed by that certificate."""
    authority = Authority(name)
    anchor, certified = folder / f"{name}-anchor.pem", folder / f"{name}.pem"
    anchor.write_bytes(authority.pem)
    key = authority.leaf_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certified.write_bytes(key + authority.leaf.public_bytes(serialization.Encoding.PEM))
    return anchor, certified
