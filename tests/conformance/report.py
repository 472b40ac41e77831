"""What came of a run, as lines and as a report."""

import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tests.conformance.suite import Outcome


def as_line(outcome: Outcome) -> str:
    """One outcome, with what was remarked below it."""
    notes = "".join(f"\n             {note}" for note in outcome.notes)
    return f"{outcome.result:12} {outcome.plan} {outcome.module}{notes}"


def write_report(file: Path, version: str, outcomes: Sequence[Outcome]) -> None:
    """Write a page with a table for each plan."""
    counted = Counter(outcome.result for outcome in outcomes)
    total = ", ".join(f"{number} {result.lower()}" for result, number in counted.most_common())
    parts = [
        "# OpenID Foundation conformance suite",
        f"{time.strftime('%Y-%m-%d')}, suite {version}: {len(outcomes)} modules, {total}.",
        "Written by `python -m tests.conformance --report`; tests/conformance/README.md says how.",
    ]
    for plan, some in groupby(outcomes, lambda outcome: outcome.plan):
        name, _, choices = plan.partition(" ")
        rows = [
            f"| {one.module} | {one.result.lower()} | {'<br>'.join(map(_cell, one.notes))} |"
            for one in some
        ]
        parts.append(f"## {name}\n\n{choices.replace(' ', ' · ')}")
        parts.append("\n".join(["| module | result | remarks |", "|---|---|---|", *rows]))
    file.write_text("\n\n".join(parts) + "\n", "utf-8")


def _cell(note: str) -> str:
    return note.splitlines()[0].replace("|", "\\|")
