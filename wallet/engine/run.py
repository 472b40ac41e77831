"""What a run has at hand."""

from dataclasses import dataclass

from wallet.policy import Policy
from wallet.ports import Clock, Holder, HolderKeys, Http, Random, Records, Redirects
from wallet.steps import Step
from wallet.trace import Trace
from wallet.trust.anchors import Anchors


@dataclass(frozen=True)
class Run:
    """The ports and choices of one issuance."""

    holder: Holder
    http: Http
    redirects: Redirects
    keys: HolderKeys
    records: Records
    clock: Clock
    random: Random
    anchors: Anchors
    policy: Policy
    trace: Trace

    def enter(self, step: Step) -> None:
        """Begin a step: the trace records it, the holder is told."""
        self.trace.step(step)
        self.holder.entered(step)
