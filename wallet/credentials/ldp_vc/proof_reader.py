"""A program of its own (owner of PyLD): one secured document in, what its proof is worth out.

Before a signature over RDF can be checked, the document is expanded and put into canonical form,
and a document of 1.5 KB can make that take minutes. What it takes ends with this process, which
holds nothing and cannot go to the network: contexts are files. It is run by its path with
`python -I`, and imports nothing of the wallet. Measured: 0.4 to 0.6 s a credential.

Usage: proof_reader.py < request > verdict

The request has `document`, a credential with one proof in it, and `keys`, the JWKs of its issuer.
The verdict is `[outcome, reason]`: "good"; "bad" where none of the keys signed it; "unfit" where it
is not what a proof can be about, as its contexts have it; "too_costly".
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

MEMORY_BYTES: Final = 1_000_000_000
CPU_S: Final = 3

CONTEXTS: Final[Mapping[str, str]] = {
    "https://w3id.org/security/data-integrity/v1": "data-integrity-v1",
    "https://w3id.org/security/data-integrity/v2": "data-integrity-v2",
    "https://w3id.org/security/multikey/v1": "multikey-v1",
    "https://w3id.org/vc/status-list/2021/v1": "status-list-2021-v1",
    "https://www.w3.org/ns/credentials/status/v1": "bitstring-status-list-v1",
    "https://www.w3.org/ns/credentials/examples/v2": "examples-v2",
}
"""Those that neither PyLD nor openvc brings, by their files in `contexts`."""
OF_LIBRARIES: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/2018/credentials/v1",
    "https://w3id.org/security/v1",
    "https://w3id.org/security/v2",
    "https://w3id.org/security/suites/ed25519-2020/v1",
)
KNOWN: Final = frozenset({*CONTEXTS, *OF_LIBRARIES})

SUITE_2020: Final = "Ed25519Signature2020"


def confine() -> None:
    """Give up what a verdict does not need, as far as the system can (Windows: not at all)."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS has no limit on address space
            resource.setrlimit(kind, (limit, limit))


def verdict(document: dict[str, Any], keys: list[dict[str, Any]]) -> tuple[str, str]:
    """What the proof of a document is worth."""
    from openvc.errors import OpenvcError  # noqa: PLC0415
    from openvc.proof.data_integrity import CredentialNotYetValid  # noqa: PLC0415
    from openvc.proof.errors import SignatureInvalid  # noqa: PLC0415

    verify, proof = _suite(document["proof"]), document["proof"]
    curves = ("P-256", "P-384") if "ecdsa" in proof.get("cryptosuite", "") else ("Ed25519",)
    refusal = "bad", f"none of the issuer's keys on {' or '.join(curves)} signed it"
    for key in keys:
        if key.get("crv") not in curves:
            continue
        try:
            verify(document, key)
        except SignatureInvalid:
            pass
        except CredentialNotYetValid:
            return "good", ""  # found out after all else; the wallet judges dates by its own clock
        except OpenvcError as error:
            refusal = "unfit", f"{type(error).__name__}: {error}"[:300]
        else:
            return "good", ""
    return refusal


def _suite(proof: Mapping[str, Any]) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    from openvc.proof.data_integrity import DataIntegrityProofSuite  # noqa: PLC0415
    from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite  # noqa: PLC0415
    from openvc.proof.di_jcs import EcdsaJcsProofSuite, EddsaJcsProofSuite  # noqa: PLC0415

    contexts = _contexts()
    if proof["type"] == SUITE_2020:
        return lambda document, key: _verify_2020(document, key, contexts)
    rdf: Mapping[str, Any] = {
        "eddsa-rdfc-2022": DataIntegrityProofSuite,
        "ecdsa-rdfc-2019": EcdsaRdfcProofSuite,
    }
    if suite := rdf.get(proof["cryptosuite"]):
        return lambda document, key: suite().verify(
            document, public_key_jwk=key, extra_contexts=contexts, check_temporal=False
        )
    jcs: Mapping[str, Any] = {
        "eddsa-jcs-2022": EddsaJcsProofSuite,
        "ecdsa-jcs-2019": EcdsaJcsProofSuite,
    }
    of_json = jcs[proof["cryptosuite"]]
    return lambda document, key: of_json().verify(
        document, public_key_jwk=key, check_temporal=False
    )


def _verify_2020(
    document: dict[str, Any], key: dict[str, Any], contexts: Mapping[str, dict[str, Any]]
) -> None:
    """Ed25519Signature2020 (W3C Community Group, 2022, section 3): the same with another proof."""
    from openvc.multibase import decode_multibase  # noqa: PLC0415
    from openvc.proof import data_integrity as suite  # noqa: PLC0415
    from openvc.proof._context_validation import validate_document  # noqa: PLC0415
    from openvc.proof.contexts import document_loader  # noqa: PLC0415

    loader = document_loader(contexts)
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    options = {name: value for name, value in document["proof"].items() if name != "proofValue"}
    options["@context"] = document["@context"]
    hashes = [
        hashlib.sha256(suite._canonize(one, loader)).digest()  # noqa: SLF001 - openvc is pinned
        for one in (options, unsecured)
    ]
    signature = decode_multibase(document["proof"]["proofValue"])
    if not suite._verify_ed25519(key, b"".join(hashes), signature):  # noqa: SLF001
        raise suite.SignatureInvalid
    validate_document(unsecured, options, loader)


def _contexts() -> Mapping[str, dict[str, Any]]:
    from pyld.documentloader.frozen import BUNDLED_CONTEXTS  # noqa: PLC0415

    folder = Path(__file__).with_name("contexts")
    files = {url: folder / f"{name}.jsonld" for url, name in CONTEXTS.items()}
    files |= {url: BUNDLED_CONTEXTS[url] for url in OF_LIBRARIES[1:]}
    return {url: json.loads(file.read_text("utf-8")) for url, file in files.items()}


if __name__ == "__main__":
    asked = json.load(sys.stdin.buffer)
    confine()
    try:
        answer = verdict(asked["document"], asked["keys"])
    except MemoryError:
        answer = "too_costly", "its proof takes more memory than a credential's may"
    except Exception as error:  # noqa: BLE001 - whatever the document provoked
        answer = "unfit", type(error).__name__
    json.dump(answer, sys.stdout)
