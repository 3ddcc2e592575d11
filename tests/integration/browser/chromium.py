# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium, driven by its DevTools protocol: opens a file, measures it, and hears what it complains of."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
import time
import typing as t
import urllib.request
from pathlib import Path

import websocket

Object = dict[str, t.Any]
PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Seconds for a page, and for the browser to begin.
_PATIENCE = 60.0
_LOADED = "document.readyState === 'complete' && location.href !== 'about:blank'"
#: Two frames after the load everything has been laid out and painted.
_PAINTED = f"""new Promise(done => {{
    const paint = () => requestAnimationFrame(() => requestAnimationFrame(() => done({_LOADED})));
    document.readyState === 'complete' ? paint() : addEventListener('load', paint);
}})"""
#: No sandbox: tests run as root in containers, and what is opened is our own file.
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    *("--remote-debugging-port=0", "--remote-allow-origins=*", "--hide-scrollbars"),
)


class Browser:
    """Entered, one page is open, about:blank."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        #: What the page has complained of: errors, warnings and exceptions, and refused or failed requests.
        self.complaints: list[str] = []
        #: Addresses that were asked for.
        self.requests: list[str] = []

    def __enter__(self) -> Browser:
        assert PROGRAM, "there is no chromium: tools/system_packages.sh browser installs it"
        command = [PROGRAM, *_FLAGS, f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._socket = websocket.create_connection(self._address(), timeout=_PATIENCE, suppress_origin=True)
        for domain in ("Page", "Runtime", "Log", "Network", "Performance"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._socket.close()
        with self._process as process:
            process.terminate()

    def _address(self) -> str:
        until = time.monotonic() + _PATIENCE
        for line in t.cast(t.IO[str], self._process.stderr):
            found = re.search(r"DevTools listening on ws://([^/]+)/", line)
            if found:
                with urllib.request.urlopen(f"http://{found[1]}/json/list", timeout=_PATIENCE) as answer:
                    pages = [item for item in json.load(answer) if item["type"] == "page"]
                return str(pages[0]["webSocketDebuggerUrl"])
            assert time.monotonic() < until, "chromium has not begun"
        raise AssertionError("chromium has ended")

    def call(self, method: str, **params: t.Any) -> Object:
        """One call of the protocol; events that come meanwhile are heard."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return t.cast(Object, message["result"])
            self._hear(message)

    def _hear(self, message: Object) -> None:
        method, params = message.get("method"), message.get("params") or {}
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"].get("text")) + str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(str(params["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(str(params["request"]["url"]))

    def open(self, path: Path, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True) -> float:
        """Opens a file, and returns the seconds from the begin of the navigation until it was painted and idle."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.scheme(dark)
        self.call("Page.navigate", url="about:blank")
        self.complaints, self.requests = [], []
        begin = time.monotonic()
        self.call("Page.navigate", url=path.as_uri())
        self._await(_PAINTED if script else _LOADED)
        return time.monotonic() - begin

    def _await(self, expression: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not self.evaluate(expression):
            assert time.monotonic() < until, "the page is not loaded"
            time.sleep(0.02)

    def scheme(self, dark: bool, media: str = "") -> None:
        """The color scheme that the person prefers, and C(print) for paper."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def evaluate(self, expression: str) -> t.Any:
        """The value of an expression in the page; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path, whole: bool = True) -> Path:
        """A PNG of the page."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(answer["data"]))
        return path

    def _clip(self, whole: bool) -> Object:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "scale": 1, **{k: size[k] for k in ("width", "height")}}} if whole else {}

    def pdf(self, path: Path) -> Path:
        """The page as it would be printed on A4."""
        answer = self.call("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(answer["data"]))
        return path
