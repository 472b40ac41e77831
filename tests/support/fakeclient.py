"""A Flet client without a browser: Flet's real session and component code, driven in-process.

Uses internals of the pinned Flet version; they are touched in this file only.
"""

import asyncio
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgpack
from flet.controls.base_control import BaseControl
from flet.controls.context import _context_page, context
from flet.messaging.connection import Connection
from flet.messaging.protocol import (
    Message,
    MessageAction,
    RegisterClientResponseBody,
    configure_encode_object_for_msgpack,
)
from flet.messaging.session import Session
from flet.pubsub.pubsub_hub import PubSubHub

T = TypeVar("T")


class FakeClient(Connection):
    """A client that answers like the real one and can be looked at."""

    def __init__(self, width: int = 420, height: int = 860) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.loop = asyncio.get_running_loop()
        self.executor = ThreadPoolExecutor(2)
        self.pubsubhub = PubSubHub(loop=self.loop, executor=self.executor)
        self.page_url, self.page_name = "fake://", ""
        self.crashes: list[str] = []
        self.answers: dict[str, Any] = {}
        self.session = Session(self)
        self.page: Any = self.session.page
        size = {"route": "/", "web": False, "width": width, "height": height, "platform": "linux"}
        self.session.apply_page_patch(size)

    def send_message(self, message: Message) -> None:
        # Serialising as the transports do is what resets Flet's bookkeeping of differences.
        encode = configure_encode_object_for_msgpack(BaseControl)
        msgpack.packb([message.action.value, message.body], default=encode)
        body: Any = message.body
        if message.action is MessageAction.INVOKE_METHOD:
            self.loop.call_soon(self._answer, body)
        elif message.action is MessageAction.SESSION_CRASHED:
            self.crashes.append(body.message)

    def _answer(self, request: Any) -> None:
        answer = self.answers.get(request.name)
        value = answer(request.args) if callable(answer) else answer
        self.session.handle_invoke_method_results(request.control_id, request.call_id, value, None)

    async def start(self, main: Callable[[Any], Any]) -> "FakeClient":
        _context_page.set(self.page)
        context.reset_auto_update()
        patch = self.session.get_page_patch()
        registered = RegisterClientResponseBody(self.session.id, patch, "")
        self.send_message(Message(MessageAction.REGISTER_CLIENT, registered))
        started = main(self.page)
        if inspect.isawaitable(started):
            await started
        await self.session.after_event(self.page)
        return self

    def close(self) -> None:
        self.session.close()
        self.executor.shutdown(wait=False)

    def walk(self, node: Any = None, seen: set[int] | None = None) -> Iterator[Any]:
        seen = set() if seen is None else seen
        node = self.page if node is None else node
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, BaseControl):
            yield node
        if dataclasses.is_dataclass(node):
            for field in dataclasses.fields(node):
                value = getattr(node, field.name, None)
                if not field.metadata.get("skip") and isinstance(
                    value, list | tuple | dict | BaseControl
                ):
                    yield from self.walk(value, seen)
        elif isinstance(node, list | tuple):
            for one in node:
                yield from self.walk(one, seen)
        elif isinstance(node, dict):
            for one in node.values():
                yield from self.walk(one, seen)

    def id(self, identifier: str) -> Any:
        """The control inside the semantics node of that identifier; None if it is not shown."""
        for control in self.walk():
            if type(control).__name__ == "Semantics" and control.identifier == identifier:
                return control.content
        return None

    async def until(self, look: Callable[[], T]) -> T:
        """Wait until `look` gives something true, and return it."""
        async with asyncio.timeout(10):
            while not (found := look()):
                assert not self.crashes, self.crashes
                await asyncio.sleep(0.01)
        return found

    async def see(self, identifier: str) -> Any:
        """Wait until an identifier is shown."""
        return await self.until(lambda: self.id(identifier))

    async def gone(self, identifier: str) -> None:
        """Wait until an identifier is no longer shown."""
        await self.until(lambda: self.id(identifier) is None)

    async def read(self, text: str) -> None:
        """Wait until a text is shown."""
        await self.until(lambda: any(text in one for one in self.texts()))

    def texts(self) -> list[str]:
        found = []
        for control in self.walk():
            for name in ("value", "title", "label", "content"):
                value = getattr(control, name, None)
                if isinstance(value, str) and value:
                    found.append(value)
        return found

    async def fire(self, control: Any, event: str, data: Any = None, **properties: Any) -> None:
        if properties:
            self.session.apply_patch(control._i, properties)
        await self.session.dispatch_event(control._i, event, data)

    async def tap(self, identifier: str) -> None:
        """Click, as soon as the control can be clicked."""

        def clickable() -> Any:
            control = self.id(identifier)
            return None if getattr(control, "disabled", False) else control

        await self.fire(await self.until(clickable), "click")

    async def type(self, identifier: str, text: str) -> None:
        await self.fire(await self.see(identifier), "change", text, value=text)
