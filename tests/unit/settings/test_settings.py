"""Settings: where each value comes from, and what is refused."""

import dataclasses
import locale
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wallet.errors import LocalFailure
from wallet.settings import Origin, Settings, fields, flag, load, preferred_languages

EXAMPLES: Mapping[str, tuple[Any, str, Any]] = {
    "data_folder": ("a", "b", "c"),
    "passphrase_file": ("a", "b", "c"),
    "trust_anchor": (["a", "b"], os.pathsep.join(("c", "d")), ["e"]),
    "offered_anchor": ("a", "b", "c"),
    "trust_policy": ("anchored", "ask", "anchored"),
    "language": (["de", "en"], os.pathsep.join(("it", "en")), ["fr"]),
    "auto_lock": (60.5, "120", "0"),
    "client_id": ("a", "b", "c"),
    "client_authentication": ("none", "private_key_jwt", "attest_jwt_client_auth"),
    "client_key": ("a", "b", "c"),
    "wallet_provider": ("development", "https://a.example", "https://b.example"),
    "wallet_provider_key": ("a", "b", "c"),
    "wallet_provider_chain": ("a", "b", "c"),
    "key_reference": ("x5c", "auto", "x5c"),
    "signed_metadata": ("required", "never", "auto"),
    "batch": (2, "3", "4"),
    "dpop": ("required", "optional", "never"),
    "authorization_request": ("scope", "authorization_details", "auto"),
    "authorization_timeout": (10, "20.5", "30"),
    "redirect_port": (1, "2", "3"),
    "redirect_path": ("a", "b/c", "d"),
    "http_timeout": (1.5, "2", "3"),
    "proxy": ("http://a:1", "http://[::1]:2", "http://127.0.0.1:3"),
    "ca_file": ("a", "b", "c"),
    "loopback_development": (True, "FALSE", True),
    "key_derivation_ms": (1, "2", "3"),
    "camera": ("1", "2", "3"),
    "gui": ("browser", "window", "browser"),
    "browser_command": ("a", "b", "c"),
    "gui_port": (1, "2", "3"),
}
"""For each setting: what a file, the environment and a flag may hold."""


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


TABLES = ("servers", "profiles")


def shown(value: Any) -> list[str]:
    parts = value if isinstance(value, tuple | list) else [value]
    return [Path(part).name if isinstance(part, Path) else str(part) for part in parts]


@pytest.mark.parametrize("name", [one.name for one in fields() if one.name not in TABLES])
def test_file_environment_and_flag_from_weak_to_strong(name: str, tmp_path: Path) -> None:
    in_file, in_environment, by_flag = EXAMPLES[name]
    file = tmp_path / "own" / "settings.toml"
    file.parent.mkdir()
    file.write_text(f"{name} = {toml(in_file)}\n")
    variable = f"WALLET_{name.upper()}"
    expected = {"file": in_file, "environment": in_environment, "flag": by_flag}
    if isinstance(in_file, list):
        expected["environment"] = in_environment.split(os.pathsep)
    environments: list[dict[str, str]] = [
        {},
        {variable: in_environment},
        {variable: in_environment},
    ]
    for kind, environment, flags in zip(
        expected, environments, ({}, {}, {name: by_flag}), strict=True
    ):
        in_force = load(flags, environment, file=file)
        value = getattr(in_force.settings, name)
        kind_of_value = type(getattr(Settings(), name))
        if kind_of_value is bool:
            assert value is (str(expected[kind]).lower() == "true")
        elif kind_of_value in (int, float):
            assert value == kind_of_value(expected[kind])
        else:
            assert shown(value) == shown(expected[kind])
        source = {"file": f"{file}, entry {name}", "environment": variable, "flag": flag(name)}[
            kind
        ]
        assert in_force.origins[name] == Origin(kind, source)  # type: ignore[arg-type]
        others = set(in_force.origins) - {name}
        assert all(in_force.origins[other] == Origin("default", "") for other in others)


def test_defaults(tmp_path: Path) -> None:
    in_force = load({}, {})
    assert in_force.profile == "default"
    assert in_force.file.is_relative_to(tmp_path / "home")
    assert in_force.settings.data_folder.is_relative_to(tmp_path / "home")
    assert in_force.settings.language[-1] == "en"
    named = {"data_folder", "language"}
    for field in dataclasses.fields(Settings):
        if field.name not in named:
            assert getattr(in_force.settings, field.name) == field.default


def test_what_is_set_for_one_authorization_server(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'client_id = "common"\n[servers."https://as.example"]\n'
        'client_authentication = "private_key_jwt"\nclient_key = "key.pem"\n'
    )
    settings = load({}, {}, file=file).settings
    own = settings.at("https://as.example")
    assert (own.client_id, own.client_authentication) == ("common", "private_key_jwt")
    assert own.client_key == tmp_path / "key.pem"
    assert settings.at("https://as.example/").client_authentication == "auto"
    assert str(settings.servers[0]).startswith("https://as.example: client_authentication = ")
    flags = {"servers": ['["https://as.example"]\ndpop = "never"']}
    by_flag = load(flags, {"WALLET_SERVERS": '"https://b" = {client_id = "b"}'}, file=file)
    assert by_flag.settings.at("https://as.example").dpop == "never"
    assert by_flag.settings.at("https://b").client_id == "common"
    assert by_flag.origins["servers"] == Origin("flag", "--servers")


def test_what_issuers_speak(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[profiles]\n"https://a.example" = "didroom"\n')
    assert load({}, {}, file=file).settings.profile_of == {"https://a.example": "didroom"}
    two = {"WALLET_PROFILES": "https://a.example=1.0 https://a.example=draft-13"}
    assert load({}, two).settings.profile_of == {"https://a.example": "draft-13"}


def test_a_profile_has_its_own_folder_and_file() -> None:
    one, two = load({}, {}, profile="demo"), load({}, {"WALLET_PROFILE": "other"})
    assert (one.profile, two.profile) == ("demo", "other")
    assert one.settings.data_folder.name == "demo"
    assert one.file.name == "demo.toml"
    assert load({}, {"WALLET_PROFILE": "other"}, profile="demo").profile == "demo"


def test_relative_paths_start_where_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "own" / "settings.toml"
    file.parent.mkdir()
    file.write_text('data_folder = "store"\npassphrase_file = "~/secret"\n')
    in_force = load({"trust_anchor": ["a.pem"]}, {}, file=file)
    assert in_force.settings.data_folder == tmp_path / "own" / "store"
    assert in_force.settings.passphrase_file == tmp_path / "home" / "secret"
    assert in_force.settings.trust_anchor == (tmp_path / "a.pem",)
    assert load({}, {"WALLET_SETTINGS_FILE": str(file)}).settings == dataclasses.replace(
        in_force.settings, trust_anchor=()
    )


BAD: dict[str, tuple[str, str]] = {
    "no TOML": ("camera = [", "file "),
    "an unknown entry": ("colour = 'red'", "entry colour: is no setting"),
    "a text for a number": ("http_timeout = 'soon'", "needs a number"),
    "truth for a number": ("redirect_port = true", "needs a number"),
    "a fraction for a whole number": ("redirect_port = 1.5", "needs a number"),
    "a negative number": ("http_timeout = -1", "out of range"),
    "no number": ("http_timeout = nan", "out of range"),
    "an endless number": ("http_timeout = inf", "out of range"),
    "a port too high": ("redirect_port = 65536", "at most 65535"),
    "a text for truth": ("loopback_development = 'yes'", "is neither true nor false"),
    "a number for truth": ("loopback_development = 1", "is neither true nor false"),
    "a proxy of another kind": ("proxy = 'socks5://a:1'", "proxy: is not http://host:port"),
    "a proxy without a port": ("proxy = 'http://a'", "proxy: is not http://host:port"),
    "a proxy with a password": ("proxy = 'http://me:secret@a:1'", "proxy: is not http://host:port"),
    "a proxy with a path": ("proxy = 'http://a:1/x'", "proxy: is not http://host:port"),
    "a number for a text": ("client_id = 1", "needs a text"),
    "a date for a text": ("camera = 2026-01-01", "needs a text"),
    "a number for a path": ("data_folder = 1", "needs a text"),
    "numbers for texts": ("trust_anchor = [1]", "needs a list of texts"),
    "a table": ("[language]\na = 1", "needs a list of texts"),
    "no such choice": ("gui = 'phone'", "none of window, browser"),
    "no language": ("language = ['en', 'Deutsch!']", "'Deutsch!' is no language tag"),
    "a language that is a header": ("language = ['en\\r\\nHost: x']", "is no language tag"),
    "an umlaut for a language": ("language = ['ä']", "is no language tag"),
    "a path with a query": ("redirect_path = 'a?b'", "redirect_path: is no plain path"),
    "a server that is no table": (
        "[servers]\na = 1",
        "needs a table for each authorization server",
    ),
    "servers that are a number": ("servers = 1", "needs tables in TOML"),
    "servers that are a text": ("servers = 'a'", "needs tables in TOML"),
    "a strange entry of a server": ("[servers.a]\ncolour = 1", "colour is no setting of a server"),
    "a server's strange choice": ("[servers.a]\ndpop = 'yes'", "is none of auto, required"),
    "a profile nobody knows": (
        "profiles = ['https://a.example=draft-9']",
        "is none of 1.0, misplaced-display, draft-15, draft-14, draft-13, draft-11, didroom",
    ),
    "a profile of nobody": ("profiles = ['didroom']", "didroom is none of"),
    "profiles that are a number": ("profiles = 1", "needs a list of texts"),
    "a path with a space": ("redirect_path = 'a b'", "is no plain path"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals_name_the_entry(name: str, tmp_path: Path) -> None:
    text, words = BAD[name]
    file = tmp_path / "settings.toml"
    file.write_text(text.replace("'", '"'))
    with pytest.raises(LocalFailure) as caught:
        load({}, {}, file=file)
    assert caught.value.code == "settings_invalid"
    assert words in caught.value.detail
    if name != "no TOML":
        assert f"{file}, entry " in caught.value.detail


def test_refusals_name_the_variable_and_the_flag(tmp_path: Path) -> None:
    with pytest.raises(LocalFailure, match="environment WALLET_HTTP_TIMEOUT: needs a number"):
        load({}, {"WALLET_HTTP_TIMEOUT": "x"})
    with pytest.raises(LocalFailure, match="flag --gui: is none of"):
        load({"gui": "phone"}, {})
    with pytest.raises(LocalFailure, match="environment WALLET_TRUST_ANCHOR: is in nobody's home"):
        load({}, {"WALLET_TRUST_ANCHOR": "~nobody-at-all/x"})
    with pytest.raises(LocalFailure, match="is in nobody's home"):
        load({}, {"WALLET_SETTINGS_FILE": "~nobody-at-all/x"})
    with pytest.raises(LocalFailure, match="does not exist"):
        load({}, {}, file=tmp_path / "nowhere.toml")
    with pytest.raises(LocalFailure, match="file "):
        load({}, {}, file=tmp_path)
    for profile in ("../x", "a b", "a/b", ".", "x" * 41):
        with pytest.raises(LocalFailure, match="profile"):
            load({}, {}, profile=profile)


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("de_DE", ("de-DE", "en")),
        ("en_GB", ("en-GB", "en")),
        ("sr_RS@latin", ("en",)),
        ("English_United States", ("en",)),
        ("C", ("en",)),
        (None, ("en",)),
    ],
)
def test_languages_of_the_session(
    name: str | None, languages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locale, "getlocale", lambda: (name, "UTF-8"))
    assert preferred_languages() == languages


def test_a_session_of_an_unknown_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> tuple[str, str]:
        message = "unknown locale: xx"
        raise ValueError(message)

    monkeypatch.setattr(locale, "getlocale", unknown)
    assert preferred_languages() == ("en",)
