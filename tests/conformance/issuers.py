"""The issuer plans: the suite plays a wallet, and a person at its browser, to our servers."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from reference_servers.demo.people import write_seeds
from tests.conformance.plans import CODE, PRE_AUTHORIZED, Plan
from tests.conformance.suite import Suite
from tests.integration.servers.peers import Provider
from tests.support.certificates import TlsAuthority
from tests.support.operator import operator
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    issuer_settings,
    program,
    server_settings,
)
from tests.support.tls_front import tls_front

ALIAS = "oid4vci-reference-servers"


@dataclass
class Servers:
    """Our servers behind TLS, and what the suite has to know of them.

    Attributes:
        both: The servers.
        config: The plan's configuration.
    """

    both: ReferenceServers
    config: Mapping[str, Any]

    def hand_over(self, suite: Suite, test: str, grant: str) -> Callable[[], None]:
        """Whoever brings the suite the offers and transaction codes that a module waits for."""
        brought = {"VCIWaitForCredentialOffer": 0, "VCIWaitForTxCode": 0}
        tx_code = ""

        def wanted(what: str) -> bool:
            waited = len(suite.log(test, what))
            fresh, brought[what] = waited > brought[what], waited
            return fresh

        def bring() -> None:
            nonlocal tx_code
            to = f"{suite.url}/test/a/{ALIAS}"
            if wanted("VCIWaitForCredentialOffer"):
                if grant == CODE:
                    link = self.both.offer("pid")
                else:
                    with operator(self.both) as counter:
                        link, tx_code = counter.offer("pid", tx_code="digits", by="reference")
                suite.http.get(f"{to}/credential_offer?{link.partition('?')[2]}")
            if wanted("VCIWaitForTxCode"):
                suite.http.get(f"{to}/tx_code", params={"code": tx_code})

        return bring


def _client(number: int, suite: Suite) -> tuple[dict[str, Any], dict[str, Any]]:
    """A client as the suite and as our authorization server have it."""
    key = ECKey.generate_key("P-256", {"kid": f"suite-{number}", "alg": "ES256", "use": "sig"})
    callback = f"{suite.url}/test/a/{ALIAS}/callback"
    name = f"suite-{number}"
    ours = {
        "client_id": name,
        "name": "Conformance suite",
        "redirect_uris": [callback, f"{callback}?dummy1=lorem&dummy2=ipsum"],
        "methods": ["private_key_jwt", "attest_jwt_client_auth"],
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    theirs = {
        "client_id": name,
        "scope": "pid",
        "jwks": {"keys": [key.as_dict(private=True)]},
        "dpop_signing_alg": "ES256",
    }
    return theirs, ours


def _attester(provider: Provider) -> dict[str, Any]:
    key = ECKey.import_key(provider.leaf_key)
    chain = {"x5c": provider.x5c(), "kid": "attester", "alg": "ES256", "use": "sig"}
    return {"keys": [{**key.as_dict(private=True), **chain}]}


def _page(both: ReferenceServers, *tasks: Any, times: int = 1_000) -> dict[str, Any]:
    """What the suite's own browser does with our pages, so many times."""
    return {"match": f"{both.server_url}/authorize*", "match-limit": times, "tasks": list(tasks)}


def _decide(both: ReferenceServers, suite: Suite, decision: str, times: int = 1_000) -> Any:
    """Sign in, unless somebody is, and decide."""
    sign_in = [
        ["text", "name", "username", both.username, "optional"],
        ["text", "name", "password", both.password, "optional"],
        ["click", "xpath", "//button[@data-testid='login']", "optional"],
    ]
    button = ["click", "xpath", f"//button[@data-testid='{decision}']"]
    back = ["wait", "id", "submission_complete", 10]
    return _page(
        both,
        {"task": "Sign in", "match": f"{both.server_url}/*", "commands": sign_in},
        {"task": "Decide", "match": f"{both.server_url}/*", "commands": [button]},
        {"task": "Come back", "match": f"{suite.url}/test/a/*", "commands": [back]},
        times=times,
    )


def _browser(both: ReferenceServers, suite: Suite) -> Mapping[str, Any]:
    """What the suite's own browser does, and what it does otherwise in some modules."""
    allow = _decide(both, suite, "allow")
    error = ["wait", "xpath", "//*", 10, "This did not work", "update-image-placeholder"]
    refused = _page(both, {"task": "Read the error", "commands": [error]})
    looked_at = _page(both, {"task": "Look at the page"}, times=1)
    once = _decide(both, suite, "allow", times=1)
    others = {
        "user-rejects-authentication": [_decide(both, suite, "deny")],
        "ensure-unsigned-authorization-request-without-using-par-fails": [refused],
        "par-attempt-to-use-expired-request_uri": [refused],
        "par-attempt-to-use-request_uri-for-different-client": [refused],
        "par-attempt-reuse-request_uri": [once, refused],
        "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": [looked_at, allow],
    }
    named = {f"fapi2-security-profile-final-{name}": one for name, one in others.items()}
    return {
        "browser": [allow],
        "override": {name: {"browser": entries} for name, entries in named.items()},
        "options": {"browsercontrol_css_enable": False},
    }


@contextmanager
def servers(suite: Suite, folder: Path, tls: TlsAuthority, plan: Plan) -> Iterator[Servers]:
    """Our servers behind TLS, for a plan."""
    unseen = "" if plan.haip else "status_list = false\n"  # the suite reads its x5c for HAIP only
    (folder / "issuer.toml").write_text(unseen + plan.issuer)
    unasked = plan.by_details and plan.grant == PRE_AUTHORIZED
    (folder / "server.toml").write_text("details_always = true\n" if unasked else "")
    people, datasets = write_seeds(folder)
    provider = Provider(folder)
    (client, ours), (client2, ours2) = _client(1, suite), _client(2, suite)
    clients = folder / "clients.json"
    clients.write_text(json.dumps([ours, ours2]))
    plain = free_port(), free_port()
    front = free_port(), free_port()
    issuer_url, server_url = (f"https://localhost:{port}" for port in front)
    trusted = ssl.create_default_context(cafile=tls.file)
    both = ReferenceServers(folder, issuer_url, server_url, tls=trusted)
    context = tls.server("localhost")
    context.set_ciphers("ECDHE+AESGCM")  # RFC 9325, section 4.2
    anchors = {"ca-file": str(tls.file), "profile": "haip" if plan.haip else "strict"}
    with ExitStack() as stack:
        for one, other in zip(front, plain, strict=True):
            stack.enter_context(tls_front(context, one, other))
        of_issuer = {
            **issuer_settings(both, datasets),
            **anchors,
            "port": str(plain[0]),
            "key-attestation-anchors-file": str(provider.file),
            "config": str(folder / "issuer.toml"),
        }
        of_server = {
            **server_settings(both, people),
            **anchors,
            "port": str(plain[1]),
            "clients-file": str(clients),
            "config": str(folder / "server.toml"),
            "client-attestation-anchors-file": str(provider.file),
            "request-uri-lifetime-s": "30",  # the suite waits for its end
        }
        stack.enter_context(program("credential_issuer", of_issuer))
        stack.enter_context(program("authorization_server", of_server))
        anchor = both.ca_pem.read_text()
        config = {
            "alias": ALIAS,
            "description": "The reference servers of an OpenID4VCI wallet",
            "vci": {
                "credential_issuer_url": both.issuer_url,
                "credential_configuration_id": "pid",
                "authorization_server": both.server_url,
                "credential_proof_type_hint": plan.proof_type,
            },
            "client": client,
            "client2": client2,
            "client_attestation": {
                "issuer": "https://provider.example",
                "attester_jwks": _attester(provider),
                "key_attestation_jwks": _attester(provider),
            },
            "credential": {
                "trust_anchor_pem": anchor,
                "status_list_trust_anchor_pem": anchor,
            },
            **_browser(both, suite),
        }
        yield Servers(both, config)
