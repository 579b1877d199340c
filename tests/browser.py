"""A real browser without a window, driven through its DevTools protocol."""

import asyncio
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

import aiohttp

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WHY_NOT = "none of chromium, chromium-browser, google-chrome is installed"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
#: Resolves with the milliseconds from the beginning of the navigation to a mark of the page.
_MARKED = """new Promise((done) => {
  const ask = () => {
    const [mark] = performance.getEntriesByName(%s);
    if (mark) done(mark.startTime); else setTimeout(ask, 10);
  };
  ask();
})"""
_SECONDS_TO_START = 60
_SECONDS_TO_ANSWER = 120


class Browser:
    """One tab. Events that came so far stand in ``events``; what the page complains about stands in ``complaints``."""

    def __enter__(self) -> Self:
        assert CHROMIUM is not None, WHY_NOT
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._loop = asyncio.new_event_loop()
        self._ids = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        self._run(self._connect())
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._session.close())
        self._loop.close()
        self._process.terminate()
        self._process.wait(30)
        self._folder.cleanup()

    def open(self, address: str, *, width: int = 1440, height: int = 900, dark: bool = False) -> float:
        """Load a page of akscan and wait until its script has done; the seconds that this took it."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media="", features=scheme)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        # from a page of its own, so that an address that differs in its fragment only is loaded, too
        for page in ("about:blank", address):
            self.events.clear()
            self.call("Page.navigate", url=page)
            self._run(self._until("Page.loadEventFired"))
        seconds: float = self.evaluate(_MARKED % json.dumps("akscan-ready")) / 1000
        self.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        return seconds

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """What the console and the log of the browser say of the page."""
        told = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event for event in self.events if event["method"] in told]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command."""
        return self._run(self._call(method, parameters))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(work, _SECONDS_TO_ANSWER))

    async def _connect(self) -> None:
        self._session = aiohttp.ClientSession()
        told = Path(self._folder.name) / "DevToolsActivePort"
        end = time.monotonic() + _SECONDS_TO_START
        while not (told.exists() and "\n" in told.read_text()) and time.monotonic() < end:  # noqa: ASYNC110 a file that another process writes
            await asyncio.sleep(0.05)
        port = told.read_text().split()[0]
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            tab = next(target for target in await answer.json() if target["type"] == "page")
        self._socket = await self._session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0)

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive()).data)
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    async def _until(self, method: str) -> None:
        while not any(event["method"] == method for event in self.events):
            self.events.append(json.loads((await self._socket.receive()).data))
