"""The people of the demo, as seed files for the two servers. None of them exists."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

OPERATOR_PASSWORD: Final = "demo-operator"  # noqa: S105 - everybody may know it
PORTRAITS: Final = Path(__file__).parent / "portraits"
LICENCE: Final = "org.iso.18013.5.1"
"""The namespace of driving licences (ISO/IEC 18013-5, section 7.2.1)."""
DIPLOMAS: Final = ("diploma", "diploma-jwt", "diploma-jwt-ld", "diploma-ldp")
"""The configurations of the diploma, one for each format."""
ISSUED_BY: Final = {
    "issuing_country": "XX",
    "issuing_authority": "Civic Registry",
    "un_distinguishing_sign": "XX",
}
"""The country is that of the demo CA."""


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who can sign in, and what the issuer knows of them.

    Attributes:
        username: Also their password's second half: `demo-<username>`.
        subject: The identifier both servers know them by.
        given_name: Part of all credentials.
        family_name: Part of all credentials.
        pid: Further claims of the person identification.
        diploma: Further claims of the diploma, in every format.
        licence: Further elements of the driving licence.
    """

    username: str
    subject: str
    given_name: str
    family_name: str
    pid: Mapping[str, Any]
    diploma: Mapping[str, Any]
    licence: Mapping[str, Any]

    @property
    def password(self) -> str:
        """The demo password."""
        return f"demo-{self.username}"

    def datasets(self) -> Mapping[str, Mapping[str, Any]]:
        """Their claims by credential configuration."""
        own = {
            "portrait": self.portrait,
            "given_name": self.given_name,
            "family_name": self.family_name,
        }
        return {
            "pid": {**own, **self.pid},
            **{name: {**own, **self.diploma} for name in DIPLOMAS},
            "mdl": {LICENCE: {**own, **self.licence}},
        }

    @property
    def portrait(self) -> str:
        """The portrait as a data URI."""
        data = (PORTRAITS / f"{self.username}.jpg").read_bytes()
        return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


PEOPLE: Final = (
    DemoPerson(
        "erika",
        "5b7c9a1e",
        "Erika",
        "Mustermann",
        {
            "birthdate": "1986-03-22",
            "place_of_birth": "Bolzano",
            "nationalities": ["DE", "IT"],
            "address": {
                "street_address": "Heidestraße 17",
                "postal_code": "51147",
                "locality": "Köln",
                "country": "DE",
            },
        },
        {
            "degree": "Master of Science",
            "subject": "Computer Science",
            "university": "University of Example",
            "grade": "1.3",
            "awarded_on": "2011-07-15",
            "student_number": "4711-0815",
        },
        {
            "birth_date": "1986-03-22",
            "document_number": "D1A2B3C4E5",
            "issue_date": "2024-05-02",
            "expiry_date": "2039-05-01",
            "driving_privileges": [
                {"vehicle_category_code": "A", "issue_date": "2009-08-14"},
                {
                    "vehicle_category_code": "B",
                    "issue_date": "2004-04-19",
                    "expiry_date": "2039-05-01",
                },
            ],
            **ISSUED_BY,
        },
    ),
    DemoPerson(
        "max",
        "e04d21f7",
        "Max",
        "Esempio",
        {
            "birthdate": "1992-11-05",
            "place_of_birth": "Trento",
            "nationalities": ["IT"],
            "address": {
                "street_address": "Via Roma 1",
                "postal_code": "38122",
                "locality": "Trento",
                "country": "IT",
            },
        },
        {
            "degree": "Laurea magistrale",
            "subject": "Architecture",
            "university": "University of Example",
            "grade": "110/110",
            "awarded_on": "2018-03-09",
            "student_number": "2018-0042",
        },
        {
            "birth_date": "1992-11-05",
            "document_number": "U1X2Y3Z4",
            "issue_date": "2023-01-11",
            "expiry_date": "2033-11-05",
            "driving_privileges": [
                {
                    "vehicle_category_code": "B",
                    "issue_date": "2011-02-28",
                    "expiry_date": "2033-11-05",
                },
            ],
            **ISSUED_BY,
        },
    ),
)


def keep_operator_password(folder: Path) -> None:
    """Let the operator of the issuer whose data are in `folder` sign in with the demo password."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "operator-password").write_text(OPERATOR_PASSWORD)


def write_seeds(folder: Path) -> tuple[Path, Path]:
    """Write the seed files: people for the authorization server, datasets for the issuer."""
    people, datasets = folder / "people.json", folder / "datasets.json"
    people.write_text(
        json.dumps(
            [
                {
                    "username": one.username,
                    "password": one.password,
                    "name": f"{one.given_name} {one.family_name}",
                    "subject": one.subject,
                }
                for one in PEOPLE
            ]
        )
    )
    datasets.write_text(
        json.dumps(
            [
                {
                    "subject": one.subject,
                    "configuration": configuration,
                    "claims": claims,
                }
                for one in PEOPLE
                for configuration, claims in one.datasets().items()
            ]
        )
    )
    return people, datasets
