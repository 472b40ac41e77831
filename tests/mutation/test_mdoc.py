"""Mobile documents that were damaged on purpose (ISO/IEC 18013-5; OpenID4VCI 1.0, A.2)."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.mutation.structural import (
    ACCEPTED,
    bent,
    cut,
    flipped,
    judged,
    judged_within,
    trailed,
)
from tests.support.mdocs import (
    DOC_TYPE,
    ELEMENTS,
    NAMESPACE,
    NOW,
    SERVER,
    Certified,
    Edit,
    Issuance,
    array,
    certified,
    cose_key,
    embedded,
    head,
    members,
    sign,
)
from tests.unit.credentials.test_mdoc import public_jwk
from wallet.credentials import mdoc
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.errors import MEANINGS
from wallet.records import Secret
from wallet.strict import base64url
from wallet.trust.anchors import Anchors
from wallet.trust.issuer import by_certificate

UNKNOWN: Final = "unknown issuer"
"""In place of a code: all is right but who the issuer is; whether to keep it is the holder's."""

HOLDER = ec.generate_private_key(ec.SECP256R1())
ROOT = certified("Root", ca=True)
LEAF = certified("Signer", ROOT)
STRANGER = certified("Root", ca=True)
ANCHORS = Anchors((ROOT.certificate,))
EXPECTED = Expected({"doctype": DOC_TYPE}, (public_jwk(HOLDER),), ((NAMESPACE, "portrait"),), NOW)


def verified(text: str) -> VerifiedCredential:
    """As the engine does it."""
    signer = mdoc.signer(Secret(text), EXPECTED)
    assert signer.chain is not None
    issuer = by_certificate(signer.chain, ANCHORS, NOW)
    return mdoc.verify(Secret(text), issuer, EXPECTED)


def code(text: str, judge: Callable[[Callable[[], object]], str] = judged) -> str:
    found: list[VerifiedCredential] = []
    refusal = judge(lambda: found.append(verified(text)))
    return UNKNOWN if found and found[0].trust == "unknown" else refusal


def b64(encoded: bytes) -> str:
    return base64.urlsafe_b64encode(encoded).decode("ascii").rstrip("=")


def issuance(*chain: Certified, **edits: Edit) -> Issuance:
    return Issuance(chain or (LEAF,), cose_key(HOLDER), edits=edits)


def instead(value: Any) -> Edit:
    return lambda _: value


GOOD = issuance().text()
BYTES = base64url(GOOD)


def test_the_good_one() -> None:
    assert code(GOOD) == ACCEPTED
    assert [check.outcome for check in verified(GOOD).report.checks] == ["passed"] * 11


CERTIFICATE = range(BYTES.index(LEAF.der), BYTES.index(LEAF.der) + len(LEAF.der))
"""Where the signer's certificate stands, which nothing but its authority's signature covers."""

UNUSED: Final = CERTIFICATE.start + LEAF.der.index(LEAF.certificate.signature) - 1
"""The octet before that signature, which says how many of its last bits do not count: where these
are zero, `cryptography` takes the certificate as the same, and what was signed is the same."""


@pytest.mark.timeout(120)
def test_a_bit_anywhere() -> None:
    for name, changed in flipped(BYTES, 2_000):
        octet = int(name.split()[1]) // 8
        result = code(b64(changed))
        if octet not in CERTIFICATE:
            assert result in MEANINGS, name
        elif octet != UNUSED:
            assert result in MEANINGS or result == UNKNOWN, name


@pytest.mark.timeout(120)
def test_a_bit_of_the_certificate() -> None:
    results = set()
    for name, changed in flipped(LEAF.der, 1_000):
        if int(name.split()[1]) // 8 != UNUSED - CERTIFICATE.start:
            results.add(code(issuance(unprotected=instead({33: changed})).text()))
    assert results - {"signature_invalid"} == {UNKNOWN, "issuer_untrusted"}


@pytest.mark.parametrize("damage", [cut, trailed], ids=["cut", "trailed"])
def test_bytes_that_are_missing_or_too_many(
    damage: Callable[[bytes], Iterator[tuple[str, bytes]]],
) -> None:
    for name, changed in damage(BYTES):
        assert code(b64(changed)) == "credential_malformed", name


def part(name: str) -> Any:
    """One part of the good one, before it is made into the next."""
    found: list[Any] = []

    def seen(value: Any) -> Any:
        found.append(value)
        return value

    issuance(**{name: seen}).text()
    return found[0]


@pytest.mark.timeout(120)
def test_a_security_object_of_another_shape() -> None:
    """Signed as it is: what an issuer should not have signed is refused all the same."""
    harmless = ("('validityInfo', 'signed') for ('validityInfo', 'validFrom')",)
    codes = set()
    for name, changed in bent(part("mso")):
        result = code(issuance(mso=instead(changed)).text())
        assert result in MEANINGS or name in harmless, name
        codes.add(result)
    assert codes >= {
        "credential_malformed", "disclosure_invalid", "doctype_mismatch", "key_binding_mismatch",
        "credential_expired",
    }  # fmt: skip


def test_items_of_another_shape() -> None:
    """Signed as they are: refused, or their values are what the issuer signed."""
    item = {
        "digestID": 0,
        "random": bytes(16),
        "elementIdentifier": "family_name",
        "elementValue": [{"a": b"\0"}, {"b": 1}],
    }
    for name, changed in bent(item):

        def edit(one: dict[str, Any], changed: Any = changed) -> Any:
            return changed if one["elementIdentifier"] == "family_name" else one

        result = code(issuance(item=edit).text())
        assert result in (ACCEPTED, "credential_malformed", "disclosure_invalid"), name
        if result == ACCEPTED:
            assert changed["digestID"] == 0
            assert changed["digestID"] is not False
            assert len(changed["random"]) >= 16
            assert isinstance(changed["elementIdentifier"], str)
            assert "elementValue" in changed


def test_signatures_of_another_shape() -> None:
    for name, changed in bent(part("auth")):
        result = code(issuance(auth=instead(changed)).text())
        assert result in MEANINGS, name


def within(namespace: str, change: Edit) -> Edit:
    """Change the items of one namespace after they were signed."""
    return lambda pairs: [(n, change(items) if n == namespace else items) for n, items in pairs]


def injected(namespace: str, **item: Any) -> Edit:
    """One item more, after signing."""
    whole = {
        "digestID": 99,
        "random": bytes(16),
        "elementIdentifier": "admin",
        "elementValue": True,
        **item,
    }
    encoded = embedded(cbor2.dumps(whole))

    def edit(pairs: list[Any]) -> Any:
        if namespace not in dict(pairs):
            return [*pairs, (namespace, [encoded])]
        return within(namespace, lambda items: [*items, encoded])(pairs)

    return edit


def swapped(items: list[bytes]) -> list[bytes]:
    """The digest ids of two items exchanged, in place: each has the other's digest."""
    first = items[0].replace(b"\x68digestID\x00", b"\x68digestID\x01")
    second = items[1].replace(b"\x68digestID\x01", b"\x68digestID\x00")
    return [first, second, *items[2:]]


def by(leaf: Certified, *others: Certified, **edits: Edit) -> str:
    return issuance(leaf, *others, **edits).text()


MIDDLE = certified("Middle", ROOT, ca=True)
EXPIRED = certified("Past", ROOT, ca=True, ends=NOW - timedelta(days=1))
NO_CA = certified("No authority", ROOT)
INDEFINITE = b"\xbf" + BYTES[1:] + b"\xff"
TWO = {NAMESPACE: ELEMENTS, "org.example": {"a": 1, "b": 2}}


def of_two(**edits: Edit) -> str:
    made = issuance(**edits)
    made.elements = TWO
    return made.text()


TABLE: Mapping[str, tuple[str, str]] = {
    # Who signed it.
    "a chain to an unknown root": (by(certified("Signer", STRANGER)), UNKNOWN),
    "a chain with its own unknown root": (by(certified("Signer", STRANGER), STRANGER), UNKNOWN),
    "a root of a trusted name": (by(certified("Signer", certified("Root", ca=True))), UNKNOWN),
    "a missing intermediate": (by(certified("Signer", MIDDLE)), UNKNOWN),
    "an intermediate": (by(certified("Signer", MIDDLE), MIDDLE), ACCEPTED),
    "an expired intermediate": (by(certified("Signer", EXPIRED), EXPIRED), UNKNOWN),
    "an intermediate that is no authority": (by(certified("Signer", NO_CA), NO_CA), UNKNOWN),
    "an expired leaf": (by(certified("Signer", ROOT, ends=NOW - timedelta(days=1))),
                        "issuer_untrusted"),
    "a leaf of the future": (by(certified("Signer", ROOT, begins=NOW + timedelta(days=1))),
                             "issuer_untrusted"),
    "a leaf for servers": (by(certified("Signer", ROOT, purposes=[SERVER])), "issuer_untrusted"),
    "signed by the authority itself": (by(ROOT), "issuer_untrusted"),
    "another's certificate": (by(LEAF, unprotected=lambda _: {33: NO_CA.der}),
                              "signature_invalid"),
    "the certificates in another order": (
        by(certified("Signer", MIDDLE), MIDDLE, unprotected=lambda u: {33: u[33][::-1]}),
        "issuer_untrusted"),
    # Algorithms.
    "alg only unprotected": (
        by(LEAF, protected=lambda _: {}, unprotected=lambda u: {**u, 1: -7}),
        "credential_malformed"),
    "alg unprotected besides": (by(LEAF, unprotected=lambda u: {**u, 1: -35}),
                                "credential_malformed"),
    "alg none": (by(LEAF, protected=lambda _: {1: 0}), "credential_malformed"),
    "alg null": (by(LEAF, protected=lambda _: {1: None}), "credential_malformed"),
    "alg of a MAC": (by(LEAF, protected=lambda _: {1: 5}), "credential_malformed"),
    "alg of another curve": (by(LEAF, protected=lambda _: {1: -35}), "signature_invalid"),
    "alg EdDSA": (by(LEAF, protected=lambda _: {1: -8}), "signature_invalid"),
    "a detached payload": (by(LEAF, auth=lambda a: [a[0], a[1], None, a[3]]),
                           "credential_malformed"),
    "signed with another context": (
        by(LEAF, auth=lambda a: [*a[:3], sign(-7, LEAF.key, a[0], b"\xd8\x18" + a[2])]),
        "signature_invalid"),
    # What was asked for.
    "another docType": (by(LEAF, mso=lambda m: {**m, "docType": "eu.europa.ec.eudi.pid.1"}),
                        "doctype_mismatch"),
    "altered after signing": (
        by(LEAF, auth=lambda a: [a[0], a[1], a[2].replace(b"1.mDL", b"1.mDX"), a[3]]),
        "signature_invalid"),
    # Elements.
    "injected in a namespace of its own": (by(LEAF, name_spaces=injected("org.evil")),
                                           "disclosure_invalid"),
    "injected in a namespace with digests": (by(LEAF, name_spaces=injected(NAMESPACE)),
                                             "disclosure_invalid"),
    "injected with the digest id of another": (
        by(LEAF, name_spaces=injected(NAMESPACE, digestID=1)), "disclosure_invalid"),
    "injected with a negative digest id": (
        by(LEAF, name_spaces=injected(NAMESPACE, digestID=-1)), "credential_malformed"),
    "an element twice": (by(LEAF, name_spaces=within(NAMESPACE, lambda i: [*i, i[0]])),
                         "disclosure_invalid"),
    "two elements of one name": (
        by(LEAF, item=lambda i: {**i, "elementIdentifier": "a"}), "disclosure_invalid"),
    "two elements of one digest id": (by(LEAF, item=lambda i: {**i, "digestID": 0}),
                                      "disclosure_invalid"),
    "digest ids exchanged": (by(LEAF, name_spaces=within(NAMESPACE, swapped)),
                             "disclosure_invalid"),
    "elements in another order": (by(LEAF, name_spaces=within(NAMESPACE, lambda i: i[::-1])),
                                  ACCEPTED),
    "elements in each other's namespace": (
        of_two(name_spaces=lambda p: [(p[0][0], p[1][1]), (p[1][0], p[0][1])]),
        "disclosure_invalid"),
    "an element moved to another namespace": (
        of_two(name_spaces=lambda p: [(p[0][0], p[0][1][1:]), (p[1][0], [p[0][1][0]])]),
        "disclosure_invalid"),
    "a namespace twice": (by(LEAF, name_spaces=lambda p: [*p, *p]), "credential_malformed"),
    # Encodings.
    "padded": (GOOD + "=" * (-len(GOOD) % 4 or 4), "credential_malformed"),
    "base64": (base64.b64encode(BYTES).decode().rstrip("=") + "+", "credential_malformed"),
    "blanks": (f" {GOOD}", "credential_malformed"),
    "hexadecimal": (BYTES.hex() + "x", "credential_malformed"),
    "a device response": (
        b64(cbor2.dumps({"version": "1.0", "documents": [], "status": 0})),
        "credential_malformed"),
    "an indefinite map": (b64(INDEFINITE), "credential_malformed"),
    "an indefinite array of items": (
        by(LEAF, whole=lambda w: [
            (w[0][0], members([(NAMESPACE, b"\x9f" + embedded(b"\xa0") + b"\xff")])), w[1]]),
        "credential_malformed"),
    "an indefinite byte string": (
        by(LEAF, encoded=lambda e: b"\xd8\x18\x5f" + e[2:] + b"\xff"), "credential_malformed"),
    "an indefinite text": (
        by(LEAF, encoded=lambda e: embedded(
            e[e.index(b"\xa4"):].replace(b"\x68digestID", b"\x7f\x68digestID\xff"))),
        "credential_malformed"),
    "a key twice in an item": (
        by(LEAF, encoded=lambda e: embedded(
            b"\xa5\x68digestID\x00" + e[e.index(b"\xa4") + 1:])), "credential_malformed"),
    "a key twice, written otherwise": (
        by(LEAF, encoded=lambda e: embedded(
            b"\xa5\x78\x08digestID\x00" + e[e.index(b"\xa4") + 1:])), "credential_malformed"),
    "trailing bytes in an item": (
        by(LEAF, encoded=lambda e: embedded(e[e.index(b"\xa4"):] + b"\0")),
        "credential_malformed"),
    "trailing bytes after the security object": (by(LEAF, payload=lambda p: p + b"\0"),
                                                 "credential_malformed"),
    "trailing bytes in the protected header": (
        by(LEAF, auth=lambda a: [a[0] + b"\0", *a[1:]]), "credential_malformed"),
    "a float": (by(LEAF, item=lambda i: {**i, "elementValue": 0.5}), "credential_malformed"),
    "not a number": (by(LEAF, item=lambda i: {**i, "elementValue": float("nan")}),
                     "credential_malformed"),
    "a reserved head": (b64(b"\xbc" + BYTES[1:]), "credential_malformed"),
    "a simple value in two bytes": (
        by(LEAF, encoded=lambda e: embedded(
            b"\xa5\x61a\xf8\x14" + e[e.index(b"\xa4") + 1:])), "credential_malformed"),
    "text that is no text": (by(LEAF, sent=lambda s: [s[0].replace(b"Quark", b"\xed\xa0\x80ar"),
                                                      *s[1:]]), "credential_malformed"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_structural_changes(name: str) -> None:
    text, result = TABLE[name]
    assert code(text) == result


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_encodings_that_are_longer_than_needed_are_valid(size: int) -> None:
    def longer(encoded: bytes) -> bytes:
        inside = encoded[encoded.index(b"\xa4") :]
        wide = head(5, 4, size) + inside[1:]
        return head(6, 24, size) + head(2, len(wide), max(size, 2)) + wide

    assert code(issuance(encoded=longer).text()) == ACCEPTED
    assert code(b64(head(5, 2, size) + BYTES[1:])) == ACCEPTED


def of_items(*items: bytes) -> bytes:
    return members([("nameSpaces", members([("n", array(items))]))])


def digests(count: int) -> Edit:
    return lambda mso: {**mso, "valueDigests": {NAMESPACE: dict.fromkeys(range(count), b"")}}


BOMBS: Mapping[str, Callable[[], str]] = {
    "10 MB of letters": lambda: "A" * 10_000_000,
    "10 MB of zeros": lambda: b64(bytes(10_000_000)),
    "a good one with a 10 MB portrait": lambda: issuance(
        item=lambda i: {**i, "elementValue": bytes(1_000_000)}).text(),
    "arrays within arrays": lambda: b64(b"\x81" * 700_000),
    "maps within maps": lambda: b64(b"\xa1\x01" * 350_000),
    "tags within tags": lambda: b64(b"\xc1" * 700_000),
    "tags within tags around much": lambda: b64(
        b"\xc1" * 60 + head(2, 700_000, 4) + bytes(700_000)),
    "a length without end": lambda: b64(b"\x9b" + b"\xff" * 8 + bytes(70_000)),
    "a map without end": lambda: b64(b"\xbb" + b"\xff" * 8 + bytes(70_000)),
    "a text without end": lambda: b64(b"\x7b" + b"\xff" * 8 + bytes(70_000)),
    "700,000 numbers": lambda: b64(head(4, 700_000) + bytes(700_000)),
    "350,000 arrays": lambda: b64(head(4, 350_000) + b"\x81\x00" * 350_000),
    "150,000 tags": lambda: b64(head(4, 150_000) + b"\xd8\x18\x41\x00" * 150_000),
    "20,000 items": lambda: b64(of_items(*[embedded(b"\xa0" + bytes(9))] * 20_000)),
    "keys without end": lambda: b64(
        head(5, 100_000) + b"".join(cbor2.dumps(n) + b"\0" for n in range(100_000))),
    "20,000 digests that are none": lambda: issuance(mso=digests(20_000)).text(),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_far_too_much_is_refused_soon_and_in_little_memory(name: str) -> None:
    text = BOMBS[name]()
    began = time.process_time()
    result = code(text)
    assert time.process_time() - began < 5
    assert result in ("credential_malformed", "disclosure_invalid")
    assert code(text, lambda verify: judged_within(verify, 128_000_000)) == result


def test_the_largest_that_is_taken() -> None:
    elements = {f"element_{n}": n for n in range(1_900)}
    made = issuance()
    made.elements = {
        NAMESPACE: {**ELEMENTS, **elements, "portrait": b"\xff\xd8\xff" + bytes(400_000)}
    }
    assert len(made.text()) < 1_000_000
    assert code(made.text(), judged_within) == ACCEPTED
