"""Settings of a server: defaults, then a TOML file, then the environment, then flags."""

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class Configuration(BaseModel):
    """Base of a server's settings; each field's description is its help text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


C = TypeVar("C", bound=Configuration)


def configured(kind: type[C], program: str, prefix: str, argv: Sequence[str] | None = None) -> C:
    """The settings in force; ends the process with code 2 and a sentence where they are wrong."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=kind.__doc__,
        epilog=f"Each setting is also an entry of the TOML file and a variable {prefix}NAME; "
        "a flag is stronger than a variable, a variable stronger than the file. Lists are JSON.",
    )
    parser.add_argument("--config", type=Path, help="TOML file with settings")
    for name, field in kind.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=field.description)
        else:
            parser.add_argument(flag, help=f"{field.description} (default: {field.default})")
    given = vars(parser.parse_args(argv))
    values: dict[str, Any] = {}
    try:
        file = given.pop("config") or os.environ.get(f"{prefix}CONFIG")
        if file:
            values |= tomllib.loads(Path(file).read_text("utf-8"))
        for name in kind.model_fields:
            if (variable := os.environ.get(prefix + name.upper())) is not None:
                values[name] = _parsed(variable)
            if given[name] is not None:
                values[name] = _parsed(given[name])
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        parser.exit(2, f"{parser.prog}: {'.'.join(map(str, first['loc']))}: {first['msg']}\n")
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def _parsed(value: Any) -> Any:  # noqa: ANN401 - a flag's text or a boolean
    """Lists come as JSON; everything else as it is, for pydantic to read."""
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return value


def refuse_to_start(program: str, reason: str) -> None:
    """End the process because it cannot serve."""
    print(f"{program}: {reason}", file=sys.stderr)  # noqa: T201
    sys.exit(2)
