"""Run the plans of OpenID4VCI 1.0 of a running conformance suite, and print what came of them."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conformance.issuers import servers
from tests.conformance.plans import PLANS, Plan
from tests.conformance.report import as_line, write_report
from tests.conformance.suite import ENDED, Outcome, Suite
from tests.conformance.wallets import Holder
from tests.support.certificates import TlsAuthority

ISSUER_S, WALLET_S = 150, 30
"""How long a module may take; one for wallets, after the wallet has ended."""


@dataclass(frozen=True)
class Run:
    """What is the same for all plans.

    Attributes:
        suite: The suite.
        folder: Where wallets and servers keep their data.
        tls: Certifies our servers.
        only: A part of the names of the modules that are wanted.
    """

    suite: Suite
    folder: Path
    tls: TlsAuthority
    only: str

    def plan(self, plan: Plan) -> Iterator[Outcome]:
        """Run one plan."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return (self._wallet if "wallet" in plan.name else self._issuer)(folder, plan)

    def _modules(self, plan: Plan, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Each module that is wanted, started: its name and id."""
        made = self.suite.plan(plan.name, plan.variant, config)
        for module in made["modules"]:
            if plan.module in module["testModule"] and self.only in module["testModule"]:
                yield _named(module), self.suite.start(made["id"], module)

    def _outcome(
        self,
        plan: Plan,
        module: str,
        test: str,
        seconds: float,
        meanwhile: Callable[[], object] | None = None,
    ) -> Outcome:
        if self.suite.wait(test, seconds, meanwhile=meanwhile) not in ENDED:
            self.suite.cancel(test)
            time.sleep(1)
        return self.suite.outcome(plan.title, module, test)

    def _issuer(self, folder: Path, plan: Plan) -> Iterator[Outcome]:
        with servers(self.suite, folder, self.tls, plan) as ours:
            for module, test in self._modules(plan, ours.config):
                bring = ours.hand_over(self.suite, test, plan.grant)
                yield self._outcome(plan, module, test, ISSUER_S, bring)

    def _wallet(self, folder: Path, plan: Plan) -> Iterator[Outcome]:
        holder = Holder.new(self.suite, folder)
        for module, test in self._modules(plan, holder.config(plan)):
            code, said = holder.get(test, plan)
            outcome = self._outcome(plan, module, test, WALLET_S)
            refused = [f"the wallet: {said['error']['code']}"] if code else []
            yield replace(outcome, notes=[*outcome.notes, *refused])


def _named(module: Mapping[str, Any]) -> str:
    variant = module["variant"] or {}
    kinds = ("vci_credential_encryption", "vci_credential_issuance_mode")
    usual = ("plain", "immediate")
    special = [variant[kind] for kind in kinds if variant.get(kind, "plain") not in usual]
    name = str(module["testModule"])
    return f"{name} ({', '.join(special)})" if special else name


def main() -> int:
    """Run them."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--suite", required=True, help="URL of the running suite")
    parser.add_argument("--ca-file", type=Path, required=True, help="authority of its certificate")
    parser.add_argument("--plan", default="", help="part of the plans to run: name and choices")
    parser.add_argument("--module", default="", help="part of the name of the modules to run")
    parser.add_argument("--report", type=Path, help="file to write the report to")
    given = parser.parse_args()
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        suite = Suite(given.suite.rstrip("/"), given.ca_file)
        run = Run(suite, folder, TlsAuthority(folder), given.module)
        for plan in PLANS:
            if given.plan in plan.title:
                for outcome in run.plan(plan):
                    outcomes.append(outcome)
                    print(as_line(outcome), flush=True)
        if given.report:
            write_report(given.report, suite.version(), outcomes)
    return int(any(one.result not in ("PASSED", "REVIEW", "SKIPPED") for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
