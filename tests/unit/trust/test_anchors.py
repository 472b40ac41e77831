"""Trust anchors and certificate chains (RFC 5280; SD-JWT VC, section 3.5)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from wallet.errors import LocalFailure
from wallet.trust.anchors import Anchors, load_anchors, name_of, read_chain
from wallet.trust.public_keys import public_key

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
ROOT, MIDDLE, LEAF = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))


def certificate(
    subject: str,
    key: Key,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    *,
    ca: bool,
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + DAY,
    signs: bool = True,
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    usage = x509.KeyUsage(signs and not ca, False, False, False, False, ca, ca, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


ROOT_CA = certificate("Root", ROOT, "Root", ROOT, ca=True)
MIDDLE_CA = certificate("Middle", MIDDLE, "Root", ROOT, ca=True)
BY_ROOT = certificate("Issuer", LEAF, "Root", ROOT, ca=False)
BY_MIDDLE = certificate("Issuer", LEAF, "Middle", MIDDLE, ca=False)


def der(certificates: Sequence[x509.Certificate]) -> list[bytes]:
    return [one.public_bytes(Encoding.DER) for one in certificates]


def trusted_by(chain: Sequence[x509.Certificate], *anchors: x509.Certificate) -> str:
    return Anchors(anchors).trust(read_chain(der(chain)), NOW)


@pytest.mark.parametrize(
    ("chain", "anchor"),
    [
        ([BY_ROOT], ROOT_CA),
        ([BY_ROOT, ROOT_CA], ROOT_CA),
        ([BY_MIDDLE, MIDDLE_CA], ROOT_CA),
        ([BY_MIDDLE], MIDDLE_CA),
        ([BY_MIDDLE, ROOT_CA, MIDDLE_CA], ROOT_CA),
        ([BY_ROOT], BY_ROOT),
    ],
)
def test_chains_that_lead_to_an_anchor(
    chain: list[x509.Certificate], anchor: x509.Certificate
) -> None:
    assert trusted_by(chain, anchor) == name_of(anchor)


OTHER = ec.generate_private_key(ec.SECP256R1())
NO_CA = certificate("Middle", MIDDLE, "Root", ROOT, ca=False)
UNTRUSTED: dict[str, tuple[list[x509.Certificate], tuple[x509.Certificate, ...]]] = {
    "no anchors": ([BY_ROOT], ()),
    "another anchor": ([BY_ROOT], (certificate("Other", OTHER, "Other", OTHER, ca=True),)),
    "an anchor of the same name": (
        [BY_ROOT], (certificate("Root", OTHER, "Root", OTHER, ca=True),)),
    "a link missing": ([BY_MIDDLE], (ROOT_CA,)),
    "a link that is no authority": ([BY_MIDDLE, NO_CA], (ROOT_CA,)),
    "the leaf expired": (
        [certificate("I", LEAF, "Root", ROOT, ca=False, ends=NOW - DAY / 2)], (ROOT_CA,)),
    "the leaf not yet valid": (
        [certificate("I", LEAF, "Root", ROOT, ca=False, begins=NOW + DAY / 2)], (ROOT_CA,)),
    "the link expired": (
        [BY_MIDDLE, certificate("Middle", MIDDLE, "Root", ROOT, ca=True, ends=NOW - DAY / 2)],
        (ROOT_CA,)),
    "the anchor expired": (
        [BY_ROOT], (certificate("Root", ROOT, "Root", ROOT, ca=True, ends=NOW - DAY / 2),)),
    "an expired leaf that is an anchor": (
        [certificate("I", LEAF, "I", LEAF, ca=False, ends=NOW - DAY / 2)] , (BY_ROOT,)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNTRUSTED)
def test_chains_that_do_not(name: str) -> None:
    chain, anchors = UNTRUSTED[name]
    with pytest.raises(ValueError, match=r"."):
        trusted_by(chain, *anchors)


def test_an_anchor_that_is_the_leaf_itself_must_be_valid_now() -> None:
    old = certificate("I", LEAF, "I", LEAF, ca=False, ends=NOW - DAY / 2)
    with pytest.raises(ValueError, match="not valid now"):
        trusted_by([old], old)


K256 = ec.generate_private_key(ec.SECP256K1())
RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ([], "0 certificates"),
        (der([BY_ROOT]) * 7, "7 certificates"),
        ([b""], "can't be read"),
        ([der([BY_ROOT])[0][:-1]], "can't be read"),
        ([der([BY_ROOT])[0] + b"\0"], "can't be read"),
        (der([certificate("I", K256, "Root", ROOT, ca=False)]), "neither"),
        (der([certificate("I", RSA, "Root", ROOT, ca=False)]), "neither"),
        (der([certificate("I", LEAF, "Root", ROOT, ca=False, signs=False)]), "not for signatures"),
        (der([ROOT_CA]), "not for signatures"),
    ],
)
def test_what_is_no_chain(chain: list[bytes], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_chain(chain)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
)
def test_the_key_of_a_leaf_as_a_jwk(key: Key) -> None:
    chain = read_chain(der([certificate("I", key, "Root", ROOT, ca=False)]))
    assert public_key(chain.jwk).raw_value == key.public_key()


def test_certificates_of_no_known_version() -> None:
    """cryptography raises `InvalidVersion`, which is no `ValueError`."""
    certificate = bytearray(der([BY_ROOT])[0])
    version = certificate.index(b"\xa0\x03\x02\x01\x02") + 4
    certificate[version] = 6
    with pytest.raises(ValueError, match="can't be read"):
        read_chain([bytes(certificate)])


def test_anchors_from_files(tmp_path: Path) -> None:
    file = tmp_path / "anchors.pem"
    file.write_bytes(ROOT_CA.public_bytes(Encoding.PEM) + MIDDLE_CA.public_bytes(Encoding.PEM))
    assert [name_of(one) for one in load_anchors([file]).certificates] == ["Root", "Middle"]
    assert load_anchors([]) == Anchors()


@pytest.mark.parametrize("content", [None, b"", b"hello", b"-----BEGIN CERTIFICATE-----\n"])
def test_files_that_hold_none(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "anchors.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LocalFailure) as caught:
        load_anchors([file])
    assert caught.value.code == "settings_invalid"
    assert str(file) in caught.value.detail
