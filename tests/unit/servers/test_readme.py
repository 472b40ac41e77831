"""What the README of the reference servers must not leave out."""

from pathlib import Path

import pytest

import reference_servers
from reference_servers.authorization_server import settings as of_server
from reference_servers.configuration import Configuration
from reference_servers.credential_issuer import settings as of_issuer

README = (Path(reference_servers.__file__).parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize("settings", [of_server.Settings, of_issuer.Settings])
def test_every_setting_is_in_the_readme(settings: type[Configuration]) -> None:
    assert [name for name in settings.model_fields if f"`{name}`" not in README] == []
