"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

from tests.frame.checkout import ROOT

DOCUMENTS = sorted(
    file
    for pattern in ("README.md", "wallet/**/*.md", "tests/**/*.md")
    for file in ROOT.glob(pattern)
    if "node_modules" not in file.parts
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_tests_of_a_document_exist(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)\)", text):
        assert (document.parent / target).exists(), target
    for file, name in re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", text):
        assert (ROOT / file).exists(), file
        assert not name or f"def {name}(" in (ROOT / file).read_text(), name


def test_the_security_promises_name_their_tests() -> None:
    text = (ROOT / "wallet" / "docs" / "SECURITY.md").read_text()
    promises = text.partition("## Promises")[2].partition("## Limits")[0]
    rows = [row for row in promises.splitlines() if row.startswith("| ")][1:]
    assert rows
    for row in rows:
        assert "`tests/" in row, row
