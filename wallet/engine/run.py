"""What a run has at hand."""

from dataclasses import dataclass

from wallet.engine.positions import Position, flow_of
from wallet.policy import Policy
from wallet.ports import Clock, Flows, Holder, HolderKeys, Http, Random, Redirects
from wallet.steps import Step
from wallet.trace import Trace
from wallet.trust.anchors import Anchors


@dataclass(frozen=True)
class Run:
    """The ports and choices of one issuance, and its name in the journal."""

    holder: Holder
    http: Http
    redirects: Redirects
    keys: HolderKeys
    flows: Flows
    clock: Clock
    random: Random
    anchors: Anchors
    policy: Policy
    trace: Trace
    flow_id: str

    async def reach(self, position: Position) -> None:
        """Commit where the issuance stands; durable when this returns."""
        with self.trace.span("store", position.stage):
            await self.flows.save(flow_of(self.flow_id, position))

    def enter(self, step: Step) -> None:
        """Begin a step: the trace records it, the holder is told."""
        self.trace.step(step)
        self.holder.entered(step)
