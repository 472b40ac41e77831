"""The people of the demo, as seed files for the two servers. None of them exists."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

OPERATOR_PASSWORD: Final = "demo-operator"  # noqa: S105 - everybody may know it
PORTRAITS: Final = Path(__file__).parent / "portraits"


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who can sign in, and what the issuer knows of them.

    Attributes:
        username: Also their password's second half: `demo-<username>`.
        subject: The identifier both servers know them by.
        given_name: Part of both credentials.
        family_name: Part of both credentials.
        pid: Further claims of the person identification.
        diploma: Further claims of the diploma.
    """

    username: str
    subject: str
    given_name: str
    family_name: str
    pid: Mapping[str, Any]
    diploma: Mapping[str, Any]

    @property
    def password(self) -> str:
        """The demo password."""
        return f"demo-{self.username}"

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
                    "claims": {
                        "portrait": one.portrait,
                        "given_name": one.given_name,
                        "family_name": one.family_name,
                        **claims,
                    },
                }
                for one in PEOPLE
                for configuration, claims in (("pid", one.pid), ("diploma", one.diploma))
            ]
        )
    )
    return people, datasets
