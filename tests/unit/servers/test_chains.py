"""Certificate chains in `x5c`, right and wrong."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, OKPKey

from reference_servers.chains import anchors, leaf_key
from reference_servers.jwts import JwtError

Key = ec.EllipticCurvePrivateKey


def new() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    subject: str, public: Any, issuer: str, signer: Key, *, ca: bool | None = False, days: int = 9
) -> x509.Certificate:
    """With `ca` None, no basic constraints at all."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    return builder.sign(signer, hashes.SHA256())


ROOT_KEY, MIDDLE_KEY, LEAF_KEY = new(), new(), new()
ROOT = certificate("root", ROOT_KEY.public_key(), "root", ROOT_KEY, ca=True)
MIDDLE = certificate("middle", MIDDLE_KEY.public_key(), "root", ROOT_KEY, ca=True)
LEAF = certificate("leaf", LEAF_KEY.public_key(), "middle", MIDDLE_KEY)


def x5c(*chain: x509.Certificate) -> list[str]:
    der = (one.public_bytes(serialization.Encoding.DER) for one in chain)
    return [base64.b64encode(one).decode() for one in der]


def test_haip_05_the_leaf_s_key_under_a_trust_anchor() -> None:
    found = leaf_key(x5c(LEAF, MIDDLE), [ROOT])
    expected = ECKey.import_key(LEAF_KEY.public_key()).thumbprint()
    assert found.thumbprint() == expected
    assert leaf_key(x5c(MIDDLE), [ROOT])
    assert leaf_key(x5c(LEAF), [MIDDLE])
    assert leaf_key(x5c(LEAF, MIDDLE)).thumbprint() == expected


def test_keys_of_edwards_curves() -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    leaf = certificate("leaf", public, "root", ROOT_KEY)
    found = leaf_key(x5c(leaf), [ROOT]).thumbprint()
    assert found == OKPKey.import_key(public).thumbprint()


FORGED = certificate("leaf", LEAF_KEY.public_key(), "middle", new())
NO_AUTHORITY = certificate("middle", MIDDLE_KEY.public_key(), "root", ROOT_KEY)
UNSAID = certificate("middle", MIDDLE_KEY.public_key(), "root", ROOT_KEY, ca=None)
PAST = certificate("leaf", LEAF_KEY.public_key(), "middle", MIDDLE_KEY, days=-1)
SELF_SIGNED = certificate("leaf", LEAF_KEY.public_key(), "leaf", LEAF_KEY)
RSA = certificate("leaf", rsa.generate_private_key(65537, 2048).public_key(), "root", ROOT_KEY)


@pytest.mark.parametrize(
    "chain",
    [
        x5c(LEAF),
        x5c(MIDDLE, LEAF),
        x5c(LEAF, MIDDLE, ROOT),
        x5c(ROOT),
        x5c(SELF_SIGNED),
        x5c(FORGED, MIDDLE),
        x5c(LEAF, NO_AUTHORITY),
        x5c(LEAF, UNSAID),
        x5c(PAST, MIDDLE),
        x5c(RSA),
        x5c(*[LEAF] * 6),
        [],
        None,
        "AAAA",
        [7],
        ["AAAA"],
        ["\u00e9"],
        [x5c(LEAF)[0] + "\n", *x5c(MIDDLE)],
    ],
)
def test_haip_05_chains_that_are_refused(chain: object) -> None:
    with pytest.raises(JwtError):
        leaf_key(chain, [ROOT])


def test_trust_anchors_of_a_file(tmp_path: Any) -> None:
    file = tmp_path / "anchors.pem"
    file.write_bytes(
        b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (ROOT, MIDDLE))
    )
    assert list(anchors(file)) == [ROOT, MIDDLE]
    assert anchors(None) == ()
    file.write_text("nothing")
    with pytest.raises(ValueError, match="PEM"):
        anchors(file)
