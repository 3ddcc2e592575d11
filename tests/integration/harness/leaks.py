# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for secrets wherever a run may leave them: its files, also those that are gone when it ends, the arguments of
processes, and everything that API servers tell.
"""

from __future__ import annotations

import base64
import contextlib
import threading
import typing as t
from pathlib import Path
from urllib.parse import quote

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from .apiserver import ApiServer

#: The name of the log of Ansible.
LOG = "ansible.log"
#: Types of Secrets that are there to hold a secret: an access, and what tests put into manifests.
CANARY_TYPE = "example.org/canary"
_HOLDING = ("cluster.x-k8s.io/secret", CANARY_TYPE)
_PERIOD = 0.05
Places = t.Iterable[tuple[str, bytes]]


def forms(secret: str) -> set[bytes]:
    """How a secret may be spelt: as it is, for an address, and in base64 at every place of a longer text."""
    found = {secret.encode(), quote(secret, safe="").encode()}
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + secret.encode())
        # What depends on the neighbours is left out.
        whole = coded[4 if offset else 0 : -4]
        found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def leaks(secrets: t.Mapping[str, str], places: Places) -> list[str]:
    """C(secret: place) of every secret that is found."""
    spelt = {name: forms(secret) for name, secret in secrets.items()}
    return sorted(
        {
            f"{name}: {where}"
            for where, content in places
            for name, found in spelt.items()
            if any(map(content.count, found))
        }
    )


class Watch:
    """While it is entered, it remembers the arguments of all processes, and the content of files under a folder.

    :ivar seen: what was there at any time, by place.
    """

    def __init__(self, folder: Path) -> None:
        self.seen: dict[tuple[str, bytes], None] = {}
        self._folder = folder
        self._known: dict[Path, tuple[int, int]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        self._thread.join()
        self._look(everything=True)

    def _run(self) -> None:
        while not self._end.wait(_PERIOD):
            self._look()

    def _look(self, everything: bool = False) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                self.seen[("the arguments of a process", path.read_bytes())] = None
        for path in self._folder.rglob("*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                version = (state.st_mtime_ns, state.st_size)
                # The log only grows, so its end is enough.
                if path.is_file() and version != self._known.get(path) and (everything or path.name != LOG):
                    self.seen[(str(path.relative_to(self._folder)), path.read_bytes())] = None
                    self._known[path] = version


def told_by(name: str, api: ApiServer) -> Places:
    """Every object of every kind as an administrator reads it, C(managedFields) and Events included, and the audit log.

    Of the Secrets that are there to hold one, everything but the value.
    """
    with Client(api.admin) as client:
        groups = client.request("GET", "/apis")["groups"]
        for base in ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]:
            for resource in client.request("GET", base)["resources"]:
                if "/" in resource["name"] or "list" not in resource["verbs"]:
                    continue
                for item in client.request("GET", f"{base}/{resource['name']}")["items"]:
                    if item.get("type") in _HOLDING:
                        item.pop("data", None)
                    metadata = item["metadata"]
                    where = f"{name}: {resource['name']} {metadata.get('namespace', '')}/{metadata['name']}"
                    yield where, repr(item).encode()
    yield f"{name}: audit log", (api.folder / "audit.log").read_bytes()
