"""`./run checklist`: each line of `lines.md` with the tests whose names carry its id."""

import argparse
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LINE: Final = re.compile(r"\d+\. (?P<id>[A-Z]+-\d\d) (?P<text>.*)")
BOLD: Final = re.compile(r"\*\*|`")
SHOWN: Final = 72


@dataclass(frozen=True)
class Line:
    """A line of the checklist.

    Attributes:
        id: Its name, as "OFF-01".
        text: What it demands.
    """

    id: str
    text: str

    @property
    def demanded(self) -> bool:
        """Whether it must be shown: what is a MUST, often got wrong, or looked at by the suite."""
        return any(mark in self.text for mark in ("**M**", "⚠", "[cs"))


def lines() -> list[Line]:
    """The checklist."""
    text = (HERE / "lines.md").read_text(encoding="utf-8")
    found = map(LINE.match, text.splitlines())
    return [Line(one["id"], one["text"]) for one in found if one]


def reasons() -> Mapping[str, str]:
    """Why a line has no test."""
    return tomllib.loads((HERE / "untested.toml").read_text(encoding="utf-8"))


def names() -> Iterator[str]:
    """The names of all tests, with their parameters."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"checklist: the tests cannot be collected\n{done.stdout[-2000:]}")
    return (line for line in done.stdout.splitlines() if "::" in line)


def coverage(ids: Sequence[str], tests: Iterator[str]) -> Mapping[str, list[str]]:
    """The tests of each line."""
    families = "|".join(sorted({one.partition("-")[0] for one in ids}))
    mark = re.compile(rf"(?<![a-z])({families})[-_ ](\d\d)(?!\d)", re.IGNORECASE)
    found: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        for family, number in set(mark.findall(test.partition("::")[2])):
            found[f"{family.upper()}-{number}"].append(test)
    return found


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Print the table; 1 where a demanded line has neither a test nor a reason, or both."""
    parser = argparse.ArgumentParser(
        prog="./run checklist",
        description="Which test shows which line of tests/checklist/lines.md. Fails where a line "
        "that must be shown has neither a test nor a reason in untested.toml, or both.",
    )
    parser.add_argument("--tests", action="store_true", help="name every test")
    parser.add_argument("--brief", action="store_true", help="say only what is wrong")
    given = parser.parse_args()
    checklist, why = lines(), reasons()
    shown_by = coverage([line.id for line in checklist], names())
    for line in checklist if not given.brief else ():
        tests = shown_by.get(line.id, [])
        says = f"{len(tests)} tests" if tests else why.get(line.id, "-")
        mark = "M" if line.demanded else " "
        say(f"{line.id:8} {mark} {BOLD.sub('', line.text)[:SHOWN]:{SHOWN}} {says}")
        for test in tests if given.tests else ():
            say(f"{'':11}{test}")
    missing = [one.id for one in checklist if one.demanded and not ({one.id} & {*shown_by, *why})]
    stale = sorted(set(why) & set(shown_by) | set(why) - {line.id for line in checklist})
    unknown = sorted(set(shown_by) - {line.id for line in checklist})
    done = sum(line.demanded and line.id in shown_by for line in checklist)
    say(f"\n{done} of {sum(line.demanded for line in checklist)} demanded lines have tests")
    for title, wrong in (
        ("with neither a test nor a reason", missing),
        ("with a reason, but a test as well, or no such line", stale),
        ("that tests name, but the checklist does not have", unknown),
    ):
        if wrong:
            say(f"{title}: {', '.join(wrong)}")
    return 1 if missing or stale or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
