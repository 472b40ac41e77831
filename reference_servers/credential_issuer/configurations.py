"""What this issuer issues: credential configurations with names in three languages (appendix A)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from reference_servers.credential_issuer import jwt_vc, ldp_vc, mdoc
from reference_servers.credential_issuer.key_proofs import ProofRules
from reference_servers.credential_issuer.settings import Settings

Names = tuple[str, str, str]
"""English, German, Italian."""

Path = tuple[str, ...]
"""A claims path pointer (appendix C)."""

LOCALES: Final = ("en", "de", "it")


def _claims(described: Mapping[Path, Names]) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "path": list(path),
            "mandatory": True,
            "display": [
                {"name": name, "locale": locale}
                for name, locale in zip(names, LOCALES, strict=True)
            ],
        }
        for path, names in described.items()
    ]


def _display(
    base: str, names: Names, descriptions: Names, *, picture: str, colors: tuple[str, str]
) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "name": name,
            "locale": locale,
            "description": description,
            "logo": {"uri": f"{base}/static/{picture}-logo.png", "alt_text": name},
            "background_image": {"uri": f"{base}/static/{picture}-background.png"},
            "background_color": colors[0],
            "text_color": colors[1],
        }
        for name, description, locale in zip(names, descriptions, LOCALES, strict=True)
    ]


def _key_binding(rules: ProofRules, credential_format: str) -> Mapping[str, Any]:
    """The two members that a configuration has where its credentials are bound to a key."""
    if credential_format == "mso_mdoc":
        rules = replace(rules, algorithms=[one for one in rules.algorithms if one == "ES256"])
        return {
            "cryptographic_binding_methods_supported": ["cose_key"],
            "proof_types_supported": rules.supported(),
        }
    return {
        "cryptographic_binding_methods_supported": list(rules.binding_methods),
        "proof_types_supported": rules.supported(),
    }


_PERSON: Final[Mapping[str, Names]] = {
    "portrait": ("Portrait", "Lichtbild", "Ritratto"),
    "given_name": ("Given name", "Vorname", "Nome"),
    "family_name": ("Family name", "Nachname", "Cognome"),
}
_PID: Final[Mapping[Path, Names]] = {
    **{(name,): names for name, names in _PERSON.items()},
    ("birthdate",): ("Date of birth", "Geburtsdatum", "Data di nascita"),
    ("place_of_birth",): ("Place of birth", "Geburtsort", "Luogo di nascita"),
    ("nationalities",): ("Nationalities", "Staatsangehörigkeiten", "Cittadinanze"),
    ("address",): ("Address", "Anschrift", "Indirizzo"),
    ("address", "street_address"): ("Street", "Straße", "Via"),
    ("address", "postal_code"): ("Postal code", "Postleitzahl", "CAP"),
    ("address", "locality"): ("City", "Ort", "Città"),
    ("address", "country"): ("Country", "Land", "Paese"),
}
_DIPLOMA: Final[Mapping[Path, Names]] = {
    **{(name,): names for name, names in _PERSON.items()},
    ("degree",): ("Degree", "Abschluss", "Titolo"),
    ("subject",): ("Subject", "Fach", "Materia"),
    ("university",): ("University", "Hochschule", "Università"),
    ("grade",): ("Grade", "Note", "Voto"),
    ("awarded_on",): ("Awarded on", "Verliehen am", "Conferito il"),
    ("student_number",): ("Student number", "Matrikelnummer", "Numero di matricola"),
}
_LICENCE: Final[Mapping[Path, Names]] = {
    (mdoc.NAMESPACE, name): names
    for name, names in {
        **_PERSON,
        "birth_date": ("Date of birth", "Geburtsdatum", "Data di nascita"),
        "document_number": ("Licence number", "Führerscheinnummer", "Numero di patente"),
        "driving_privileges": ("Categories", "Klassen", "Categorie"),
        "issue_date": ("Issued on", "Ausgestellt am", "Rilasciata il"),
        "expiry_date": ("Valid until", "Gültig bis", "Valida fino al"),
        "issuing_authority": ("Authority", "Behörde", "Autorità"),
        "issuing_country": ("Country", "Land", "Paese"),
        "un_distinguishing_sign": (
            "Distinguishing sign",
            "Unterscheidungszeichen",
            "Sigla distintiva",
        ),
    }.items()
}


def _pid(base: str) -> Mapping[str, Any]:
    return {
        "display": _display(
            base,
            ("Person ID", "Personenausweis", "Identità personale"),
            (
                "Who you are, confirmed by the civic registry.",
                "Wer Sie sind, bestätigt vom Bürgeramt.",
                "Chi sei, confermato dall'anagrafe.",
            ),
            picture="pid",
            colors=("#1f4e8c", "#ffffff"),
        ),
        "claims": _claims(_PID),
    }


def _diploma(base: str, form: str = "", *above: str) -> Mapping[str, Any]:
    """The diploma; `form` tells it from others, and `above` is what its claims stand below."""
    names = ("University Diploma", "Hochschulzeugnis", "Diploma di laurea")
    english, german, italian = (f"{name}, {form}" if form else name for name in names)
    return {
        "display": _display(
            base,
            (english, german, italian),
            (
                "The degree you earned.",
                "Ihr akademischer Abschluss.",
                "Il titolo che hai conseguito.",
            ),
            picture="diploma",
            colors=("#6b2737", "#ffffff"),
        ),
        "claims": _claims({(*above, *path): names for path, names in _DIPLOMA.items()}),
    }


def _licence(base: str) -> Mapping[str, Any]:
    return {
        "display": _display(
            base,
            ("Driving Licence", "Führerschein", "Patente di guida"),
            (
                "What you may drive.",
                "Was Sie fahren dürfen.",
                "Che cosa puoi guidare.",
            ),
            picture="mdl",
            colors=("#8a4b08", "#ffffff"),
        ),
        "claims": _claims(_LICENCE),
    }


def configurations(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """What can be issued, without how it is bound to a key."""
    base, cryptosuite = settings.public_url, settings.cryptosuite
    terms = {"@vocab": f"{base}/terms#"}
    types = ["VerifiableCredential", "UniversityDiploma"]
    subject = "credentialSubject"
    described: Mapping[str, Mapping[str, Any]] = {
        "pid": {
            "format": "dc+sd-jwt",
            "vct": "urn:example:pid:1",
            "credential_signing_alg_values_supported": ["ES256"],
            "credential_metadata": _pid(base),
        },
        "diploma": {
            "format": "dc+sd-jwt",
            "vct": "urn:example:diploma:1",
            "credential_signing_alg_values_supported": ["ES256"],
            "credential_metadata": _diploma(base),
        },
        "mdl": {
            "format": "mso_mdoc",
            "doctype": mdoc.DOC_TYPE,
            "credential_signing_alg_values_supported": [mdoc.ES256],
            "credential_metadata": _licence(base),
        },
        "diploma-jwt": {
            "format": "jwt_vc_json",
            "credential_definition": {"type": types},
            "credential_signing_alg_values_supported": ["ES256"],
            "credential_metadata": _diploma(base, "JWT", subject),
        },
        "diploma-jwt-ld": {
            "format": "jwt_vc_json-ld",
            "credential_definition": {"@context": [jwt_vc.CONTEXT, terms], "type": types},
            "credential_signing_alg_values_supported": ["ES256"],
            "credential_metadata": _diploma(base, "JSON-LD JWT", subject),
        },
        "diploma-ldp": {
            "format": "ldp_vc",
            "credential_definition": {"@context": [ldp_vc.CONTEXT, terms], "type": types},
            "credential_signing_alg_values_supported": [cryptosuite],
            "credential_metadata": _diploma(base, "JSON-LD", subject),
        },
    }
    return {name: {**one, "scope": name} for name, one in described.items()}


def issued(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """What is issued by the settings; mobile documents need proofs by P-256 that name a JWK."""
    proven = "ES256" in settings.proof_algorithms and "jwk" in settings.binding_methods
    return {
        name: one
        for name, one in configurations(settings).items()
        if (not settings.configurations or name in settings.configurations)
        and (proven or one["format"] != "mso_mdoc")
    }


def issuer_metadata(
    settings: Settings, rules: ProofRules, encryption: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Credential Issuer Metadata (OpenID4VCI 1.0, section 12.2.4)."""
    url = settings.public_url
    metadata: dict[str, Any] = {
        "credential_issuer": url,
        "authorization_servers": list(settings.authorization_servers),
        "credential_endpoint": f"{url}/credential",
        "nonce_endpoint": f"{url}/nonce",
        "deferred_credential_endpoint": f"{url}/deferred-credential",
        **encryption,
        "display": [
            {"name": name, "locale": locale, "logo": {"uri": f"{url}/static/issuer.png"}}
            for name, locale in zip(
                ("Civic Registry", "Bürgerregister", "Registro civico"), LOCALES, strict=True
            )
        ],
        "credential_configurations_supported": {
            name: {
                **one,
                **({} if name in settings.unbound else _key_binding(rules, one["format"])),
            }
            for name, one in issued(settings).items()
        },
    }
    if settings.notifications:
        metadata["notification_endpoint"] = f"{url}/notification"
    if settings.batch_size > 1:
        metadata["batch_credential_issuance"] = {"batch_size": settings.batch_size}
    return metadata
