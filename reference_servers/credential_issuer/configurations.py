"""What this issuer issues: two credential configurations with names in three languages."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reference_servers.credential_issuer.key_proofs import ProofRules
from reference_servers.credential_issuer.settings import Settings

Names = tuple[str, str, str]
"""English, German, Italian."""

LOCALES: Final = ("en", "de", "it")


def _claims(described: Mapping[tuple[str, ...], Names]) -> Sequence[Mapping[str, Any]]:
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


def _sd_jwt_vc(vct: str, scope: str, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "format": "dc+sd-jwt",
        "vct": vct,
        "scope": scope,
        "credential_signing_alg_values_supported": ["ES256"],
        "credential_metadata": metadata,
    }


def _key_binding(rules: ProofRules) -> Mapping[str, Any]:
    """The two members that a configuration has where its credentials are bound to a key."""
    return {
        "cryptographic_binding_methods_supported": list(rules.binding_methods),
        "proof_types_supported": rules.supported(),
    }


def configurations(base: str) -> Mapping[str, Mapping[str, Any]]:
    """What can be issued, without how it is bound to a key; `base` is where the pictures are."""
    return {
        "pid": _sd_jwt_vc(
            "urn:example:pid:1",
            "pid",
            {
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
                "claims": _claims(
                    {
                        ("portrait",): ("Portrait", "Lichtbild", "Ritratto"),
                        ("given_name",): ("Given name", "Vorname", "Nome"),
                        ("family_name",): ("Family name", "Nachname", "Cognome"),
                        ("birthdate",): ("Date of birth", "Geburtsdatum", "Data di nascita"),
                        ("place_of_birth",): ("Place of birth", "Geburtsort", "Luogo di nascita"),
                        ("nationalities",): (
                            "Nationalities",
                            "Staatsangehörigkeiten",
                            "Cittadinanze",
                        ),
                        ("address",): ("Address", "Anschrift", "Indirizzo"),
                        ("address", "street_address"): ("Street", "Straße", "Via"),
                        ("address", "postal_code"): ("Postal code", "Postleitzahl", "CAP"),
                        ("address", "locality"): ("City", "Ort", "Città"),
                        ("address", "country"): ("Country", "Land", "Paese"),
                    }
                ),
            },
        ),
        "diploma": _sd_jwt_vc(
            "urn:example:diploma:1",
            "diploma",
            {
                "display": _display(
                    base,
                    ("University Diploma", "Hochschulzeugnis", "Diploma di laurea"),
                    (
                        "The degree you earned.",
                        "Ihr akademischer Abschluss.",
                        "Il titolo che hai conseguito.",
                    ),
                    picture="diploma",
                    colors=("#6b2737", "#ffffff"),
                ),
                "claims": _claims(
                    {
                        ("portrait",): ("Portrait", "Lichtbild", "Ritratto"),
                        ("given_name",): ("Given name", "Vorname", "Nome"),
                        ("family_name",): ("Family name", "Nachname", "Cognome"),
                        ("degree",): ("Degree", "Abschluss", "Titolo"),
                        ("subject",): ("Subject", "Fach", "Materia"),
                        ("university",): ("University", "Hochschule", "Università"),
                        ("grade",): ("Grade", "Note", "Voto"),
                        ("awarded_on",): ("Awarded on", "Verliehen am", "Conferito il"),
                        ("student_number",): (
                            "Student number",
                            "Matrikelnummer",
                            "Numero di matricola",
                        ),
                    }
                ),
            },
        ),
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
            name: {**one, **({} if name in settings.unbound else _key_binding(rules))}
            for name, one in configurations(url).items()
        },
    }
    if settings.notifications:
        metadata["notification_endpoint"] = f"{url}/notification"
    if settings.batch_size > 1:
        metadata["batch_credential_issuance"] = {"batch_size": settings.batch_size}
    return metadata
