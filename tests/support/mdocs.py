"""Mobile documents of issuers that share no code with the wallet (ISO/IEC 18013-5).

`isomdoc` and `pymdoccbor` make whole ones. `Issuance` makes them by hand on cbor2, so that each
part can be bent before it is signed, or after.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
DOC_TYPE: Final = "org.iso.18013.5.1.mDL"
NAMESPACE: Final = "org.iso.18013.5.1"
PORTRAIT: Final = b"\xff\xd8\xff\xe0" + bytes(60)
ELEMENTS: Final[Mapping[str, Any]] = {
    "family_name": "Quark-Sentinel",
    "given_name": "Zita-Sentinel",
    "birth_date": cbor2.CBORTag(1004, "1990-02-03"),
    "issue_date": cbor2.CBORTag(0, "2026-01-02T00:00:00Z"),
    "expiry_date": cbor2.CBORTag(1004, "2031-01-01"),
    "issuing_country": "UT",
    "issuing_authority": "Utopia",
    "document_number": "D-123",
    "portrait": PORTRAIT,
    "driving_privileges": [
        {
            "vehicle_category_code": "B",
            "issue_date": cbor2.CBORTag(1004, "2010-01-01"),
            "codes": [{"code": "01"}],
        }
    ],
    "un_distinguishing_sign": "UT",
    "age_in_years": 36,
    "age_over_18": True,
}
MDOC_SIGNER: Final = x509.ObjectIdentifier("1.0.18013.5.1.2")
SERVER: Final = x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
HASHES: Final = {-7: hashes.SHA256(), -35: hashes.SHA384(), -36: hashes.SHA512()}

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Edit = Callable[[Any], Any]


@dataclass(frozen=True)
class Certified:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def certified(
    name: str,
    by: Certified | None = None,
    *,
    key: PrivateKey | None = None,
    ca: bool = False,
    purposes: Sequence[x509.ObjectIdentifier] = (MDOC_SIGNER,),
    usage: bool = True,
    begins: datetime = NOW - timedelta(days=300),
    ends: datetime = NOW + timedelta(days=300),
    subject: Mapping[x509.ObjectIdentifier, str] | None = None,
) -> Certified:
    """A certificate for `name`, from `by` or self-signed; its country is "UT" if not said else."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    named = {NameOID.COUNTRY_NAME: "UT"} if subject is None else subject
    whole = x509.Name(
        [
            *(x509.NameAttribute(kind, value) for kind, value in named.items()),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    signing_key, issuer = (own, whole) if by is None else (by.key, by.certificate.subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(whole)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    if usage:
        bits = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        builder = builder.add_extension(bits, critical=True)
    if purposes and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=True)
    edwards = isinstance(signing_key, ed25519.Ed25519PrivateKey)
    return Certified(builder.sign(signing_key, None if edwards else hashes.SHA256()), own)


def cose_key(key: PrivateKey) -> dict[int, Any]:
    """The public half as a COSE_Key (RFC 9052, section 7)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, -1: 6, -2: key.public_key().public_bytes_raw()}
    point = key.public_key().public_numbers()
    curve = {"secp256r1": 1, "secp384r1": 2, "secp521r1": 3}[key.curve.name]
    size = (key.curve.key_size + 7) // 8
    return {1: 2, -1: curve, -2: point.x.to_bytes(size), -3: point.y.to_bytes(size)}


def head(major: int, number: int, size: int = 0) -> bytes:
    """The first bytes of a data item; `size` asks for more of them than are needed."""
    if not size and number < 24:
        return bytes([major << 5 | number])
    size = size or (1 if number < 256 else 2 if number < 65536 else 4)
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + number.to_bytes(size)


def array(items: Sequence[bytes]) -> bytes:
    return head(4, len(items)) + b"".join(items)


def members(pairs: Sequence[tuple[Any, bytes]]) -> bytes:
    """A map whose values are encoded already; keys may repeat."""
    return head(5, len(pairs)) + b"".join(cbor2.dumps(key) + value for key, value in pairs)


def embedded(encoded: bytes) -> bytes:
    return b"\xd8\x18" + head(2, len(encoded)) + encoded


def sign(alg: int, key: PrivateKey, protected: bytes, payload: bytes) -> bytes:
    """The signature of a COSE_Sign1 (RFC 9052, section 4.4)."""
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(signed)
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(HASHES[alg])))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)


@dataclass
class Issuance:
    """One document, part by part; `edits` bend each by its name before the next is made of it.

    In this order: `item` (each, a dict), `encoded` (each item, the tagged bytes, digest made
    after), `mso` (a dict), `payload` (bytes), `protected` and `unprotected` (dicts), `auth` (a
    list, signed already), `sent` (the tagged bytes of a namespace's items, digests made already),
    `name_spaces` (pairs of a name and its items), `whole` (pairs of a name and encoded CBOR),
    `bytes`, `text`.
    """

    chain: Sequence[Certified]
    device_key: Mapping[int, Any] | None
    elements: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {NAMESPACE: ELEMENTS})
    doc_type: str = DOC_TYPE
    alg: int = -7
    digest: str = "SHA-256"
    now: datetime = NOW
    edits: dict[str, Edit] = field(default_factory=dict)

    def _edited(self, name: str, value: Any) -> Any:
        return self.edits.get(name, lambda same: same)(value)

    def _encoded(self, number: int, element: str, value: Any) -> tuple[int, bytes]:
        item = {
            "digestID": number,
            "random": hashlib.sha256(element.encode()).digest()[:16],
            "elementIdentifier": element,
            "elementValue": value,
        }
        item = self._edited("item", item)
        digest_id = item.get("digestID")
        key = digest_id if isinstance(digest_id, int) else number
        return key, self._edited("encoded", embedded(cbor2.dumps(item)))

    def text(self) -> str:
        """The credential as OpenID4VCI sends it."""
        items = {
            namespace: [self._encoded(n, *pair) for n, pair in enumerate(elements.items())]
            for namespace, elements in self.elements.items()
        }
        hasher = self.digest.lower().replace("-", "")
        mso = {
            "version": "1.0",
            "digestAlgorithm": self.digest,
            "valueDigests": {
                namespace: {n: hashlib.new(hasher, encoded).digest() for n, encoded in these}
                for namespace, these in items.items()
            },
            "docType": self.doc_type,
            "validityInfo": {
                "signed": self.now,
                "validFrom": self.now,
                "validUntil": self.now + timedelta(days=30),
            },
        }
        if self.device_key is not None:
            mso["deviceKeyInfo"] = {"deviceKey": dict(self.device_key)}
        payload = self._edited("payload", embedded(cbor2.dumps(self._edited("mso", mso))))
        ders = [one.der for one in self.chain]
        protected = cbor2.dumps(self._edited("protected", {1: self.alg}))
        unprotected = self._edited("unprotected", {33: ders[0] if len(ders) == 1 else ders})
        signature = sign(self.alg, self.chain[0].key, protected, payload)
        auth = self._edited("auth", [protected, unprotected, payload, signature])
        sent = [
            (namespace, self._edited("sent", [encoded for _, encoded in these]))
            for namespace, these in items.items()
        ]
        name_spaces = members([(n, array(these)) for n, these in self._edited("name_spaces", sent)])
        whole = [("nameSpaces", name_spaces), ("issuerAuth", cbor2.dumps(auth))]
        encoded = self._edited("bytes", members(self._edited("whole", whole)))
        return str(
            self._edited("text", base64.urlsafe_b64encode(encoded).decode("ascii").rstrip("="))
        )
