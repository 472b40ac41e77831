"""The table of faults."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import reference_servers
from reference_servers.authorization_server import leniency as server_leniency
from reference_servers.credential_issuer import leniency as issuer_leniency
from reference_servers.credential_issuer.settings import Settings
from reference_servers.faults import FAULTS, Faults


def test_there_are_many_and_each_says_what_it_does() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.does for fault in FAULTS.values()}) == len(FAULTS)
    for name, fault in FAULTS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert fault.does[0].isupper()
        assert fault.does.endswith(".")


def test_a_fault_changes_its_own_place_only() -> None:
    right = {"c_nonce": "n"}
    assert Faults("nonce-missing").at("nonce document", right) == {}
    assert Faults("nonce-missing").at("metadata document", right) is right
    assert Faults().at("nonce document", right) is right


def test_a_fault_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such fault"):
        Settings.model_validate({"fault": "nothing"})


def test_the_table_is_printed() -> None:
    command = [sys.executable, "-m", "reference_servers.faults"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(FAULTS)


@pytest.mark.parametrize("rules", [server_leniency.FORGIVABLE, issuer_leniency.FORGIVABLE])
def test_what_is_forgiven_is_in_the_readme(rules: Mapping[str, str]) -> None:
    readme = (Path(reference_servers.__file__).parent / "README.md").read_text("utf-8")
    assert [rule for rule in rules if f"| `{rule}` |" not in readme] == []
