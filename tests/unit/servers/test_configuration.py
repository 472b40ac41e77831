"""Settings and seed files, good and bad."""

import json
from pathlib import Path

import pytest

from reference_servers.authorization_server.application import prepare as prepare_server
from reference_servers.authorization_server.settings import Settings as ServerSettings
from reference_servers.configuration import Configuration, configured
from reference_servers.credential_issuer.application import prepare as prepare_issuer
from reference_servers.credential_issuer.settings import Settings as IssuerSettings

SECRET = "sentinel-secret"
KINDS = (ServerSettings, IssuerSettings)


def settings(kind: type[Configuration], *flags: str) -> Configuration:
    return configured(kind, "program", "PREFIX_", flags)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("flag", "word"),
    [
        ("--port=many", "port: "),
        ("--port=70000", "port: "),
        ("--port=0", "port: "),
        ("--public-url=http://issuer.example", "public_url: needs https"),
        ("--public-url=https://issuer.example/?a=b", "public_url: "),
        ("--public-url=https://issuer.example/?", "public_url: "),
        ("--public-url=https://issuer.example/#a", "public_url: "),
        (f"--public-url=https://me:{SECRET}@issuer.example", "public_url: "),
        ("--public-url=https://issuer.example/a/", "public_url: "),
        ("--public-url=https://issuer.example:many", "public_url: "),
        ("--public-url=ftp://127.0.0.1", "public_url: "),
        ("--public-url=https://", "public_url: "),
        ("--config=/nonexistent.toml", "/nonexistent.toml"),
    ],
)
def test_bad_settings(
    kind: type[Configuration], flag: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings(kind, flag)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("program: ")
    assert said.count("\n") == 1
    assert word in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("kind", "flag", "word"),
    [
        (ServerSettings, "--code-lifetime-s=90", "code_lifetime_s"),
        (ServerSettings, "--token-lifetime-s=301", "token_lifetime_s"),
        (ServerSettings, "--session-lifetime-s=-1", "session_lifetime_s"),
        (ServerSettings, "--credential-issuers=[oops", "credential_issuers: not JSON"),
        (ServerSettings, "--credential-issuers=[]", "credential_issuers"),
        (ServerSettings, "--credential-issuers=https://x.example", "credential_issuers"),
        (ServerSettings, '--credential-issuers=["ftp://x"]', "credential_issuers.0"),
        (IssuerSettings, "--nonce-lifetime-s=-1", "nonce_lifetime_s"),
        (IssuerSettings, "--credential-lifetime-days=0", "credential_lifetime_days"),
        (IssuerSettings, "--batch-size=0", "batch_size"),
        (IssuerSettings, "--key-attestations-required", "needs key_attestation_anchors_file"),
        (IssuerSettings, '--proof-types=["attestation"]', "or key_attestation_anchors_file"),
        (IssuerSettings, '--proof-types=["cwt"]', "proof_types.0"),
        (IssuerSettings, "--request-encryption=off", "response_encryption needs"),
        (IssuerSettings, "--profile=loose", "profile"),
        (IssuerSettings, "--fault=nothing", "fault: no such fault"),
        (ServerSettings, "--fault=nothing", "fault: no such fault"),
        (IssuerSettings, "--authorization-server=http://x.example", "authorization_server"),
    ],
)
def test_bad_settings_of_one_server(
    kind: type[Configuration], flag: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        settings(kind, flag)
    assert word in capsys.readouterr().err


@pytest.mark.parametrize("text", ["prot = 1", "port = ", "public = 7", "\x00", "a = 1\na = 2"])
def test_bad_configuration_files(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(text)
    with pytest.raises(SystemExit):
        settings(IssuerSettings, "--config", str(config))
    assert capsys.readouterr().err.startswith("program: ")


def test_flag_beats_variable_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('host = "::1"\nport = 1\npublic = true\nnonce_lifetime_s = 1\n')
    monkeypatch.setenv("PREFIX_CONFIG", str(config))
    monkeypatch.setenv("PREFIX_PORT", "2")
    monkeypatch.setenv("PREFIX_PUBLIC", "false")
    monkeypatch.setenv("PREFIX_NONCE_LIFETIME_S", "2")
    found = settings(IssuerSettings, "--nonce-lifetime-s", "3")
    assert isinstance(found, IssuerSettings)
    assert (found.host, found.port, found.public) == ("::1", 2, False)
    assert (found.nonce_lifetime_s, found.offer_lifetime_s) == (3, 3600)


def test_lists_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    issuers = ["https://a.example", "https://b.example/c"]
    monkeypatch.setenv("PREFIX_CREDENTIAL_ISSUERS", json.dumps(issuers))
    found = settings(ServerSettings)
    assert isinstance(found, ServerSettings)
    assert found.credential_issuers == issuers


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("issuer:secret\n", ("issuer", "secret")),
        ("issuer:a:b", ("issuer", "a:b")),
        ("", None),
        ("issuer", None),
        ("issuer:", None),
        (f":{SECRET}", None),
    ],
)
def test_the_file_to_introspect_with(
    text: str, read: tuple[str, str] | None, tmp_path: Path
) -> None:
    file = tmp_path / "introspection"
    file.write_text(text)
    found = settings(IssuerSettings, "--introspection-file", str(file))
    assert isinstance(found, IssuerSettings)
    if read is None:
        with pytest.raises(ValueError, match="not client_id:client_secret") as refused:
            _ = found.introspection
        assert SECRET not in str(refused.value)
    else:
        assert found.introspection == read


@pytest.mark.parametrize("kind", KINDS)
def test_help_names_every_setting(
    kind: type[Configuration], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings(kind, "--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for name in kind.model_fields:
        assert f"--{name.replace('_', '-')}" in said
    assert "(default: 127.0.0.1)" in said
    assert "(default: )" not in said
    assert "None" not in said


@pytest.mark.parametrize(
    ("host", "flags", "exposed"),
    [
        ("127.0.0.1", [], False),
        ("::1", [], False),
        ("localhost", [], False),
        ("0.0.0.0", [], True),
        ("::", ["--public"], True),
        ("0.0.0.0", ["--public-url=https://x.example"], True),
        ("0.0.0.0", ["--public", "--public-url=https://x.example"], False),
    ],
)
def test_s1_exposed(host: str, flags: list[str], exposed: bool) -> None:
    assert settings(IssuerSettings, "--host", host, *flags).exposed is exposed


PERSON = {"username": "a", "password": SECRET, "name": "A", "subject": "1"}


@pytest.mark.parametrize(
    "document",
    [
        "{",
        '{"a":1}',
        json.dumps([{"password": SECRET}]),
        json.dumps([{**PERSON, "name": [SECRET]}]),
    ],
)
def test_bad_people_are_told_without_their_secrets(document: str, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(document)
    flags = (f"--data-dir={tmp_path}", f"--people-file={file}")
    with pytest.raises(ValueError, match=r"people\.json") as refused:
        prepare_server(configured(ServerSettings, "program", "PREFIX_", flags))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "dataset",
    [
        {"subject": "a"},
        {"subject": "a", "configuration": "none", "claims": {"a": SECRET}},
        {"subject": "a", "configuration": "pid", "claims": SECRET},
        {"subject": "a", "configuration": "pid", "claims": {"cnf": SECRET}},
        {"subject": "a", "configuration": "pid", "claims": {"a": {"_sd": SECRET}}},
        {"subject": "a", "configuration": "pid", "claims": {"a": [{"...": SECRET}]}},
    ],
)
def test_bad_datasets_are_told_without_their_claims(
    dataset: dict[str, object], tmp_path: Path
) -> None:
    file = tmp_path / "datasets.json"
    file.write_text(json.dumps([dataset]))
    flags = (f"--data-dir={tmp_path}", f"--datasets-file={file}")
    with pytest.raises(ValueError, match=r"datasets\.json|reserved claim names") as refused:
        prepare_issuer(configured(IssuerSettings, "program", "PREFIX_", flags))
    assert SECRET not in str(refused.value)


def test_haip_01_the_profile_sets_what_it_demands() -> None:
    flags = ("--profile=haip", "--no-require-dpop", "--no-dpop-nonces", '--proof-types=["di_vp"]')
    haip = configured(IssuerSettings, "program", "PREFIX_", flags)
    assert (haip.require_dpop, haip.dpop_nonces) == (True, True)
    assert haip.proof_types == ["jwt", "attestation"]
    assert haip.proof_algorithms == ["ES256"]


@pytest.mark.parametrize("name", ["deferred", "unbound"])
def test_configurations_that_do_not_exist(name: str, tmp_path: Path) -> None:
    flags = (f'--{name}=["pid", "nothing"]', f"--data-dir={tmp_path}")
    with pytest.raises(ValueError, match="an unknown configuration"):
        prepare_issuer(configured(IssuerSettings, "program", "PREFIX_", flags))
