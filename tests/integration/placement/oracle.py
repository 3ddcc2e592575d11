# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCM's own placement controller as a program that decides cases; see oracle/main.go.

It is built once from the Go modules that oracle/go.sum pins, and kept in the cache by the digest of its sources.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness import gobuilt
from ..harness.apiserver import ApiServer, free_port

SOURCE = Path(__file__).parent / "oracle"


def program_path() -> Path:
    """Where the program is kept, whether it has been made or not."""
    return gobuilt.path_of("oracle", SOURCE)


def program() -> Path:
    """The program; made when it is not there, which takes minutes."""
    return gobuilt.program("oracle", SOURCE)


def answers(cases: t.Iterable[t.Mapping[str, t.Any]], oracle: Path) -> list[dict[str, t.Any]]:
    """What OCM decides in each case."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([oracle], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def controlling(hub: ApiServer) -> t.Iterator[None]:
    """OCM's controller at work on a hub which holds what the role placement gives it, with those rights and no others.

    :raises AssertionError: it has ended by itself.
    """
    with Client(hub.admin) as admin:
        token = admin.create_token("lodestar-system", "placement-controller", 7200)["token"]
    kubeconfig, ca, log = (hub.folder / f"placement.{end}" for end in ("kubeconfig", "ca.pem", "log"))
    config = hub.kubeconfig()
    ca.write_text(hub.runner.ca_data or "")
    config["clusters"][0]["cluster"] = {"server": hub.url, "certificate-authority": str(ca)}
    config["users"][0]["user"] = {"token": token}
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(json.dumps(config))
    command = [program(), "controller", "--kubeconfig", kubeconfig, "--namespace", "lodestar-system"]
    command += ["--listen", f"127.0.0.1:{free_port()}"]
    with log.open("wb") as stream:
        running = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=hub.folder)
        try:
            yield
            assert running.poll() is None, log.read_text()[-3000:]
        finally:
            # Asked to end it gives its Lease back, for which the next one would wait two minutes.
            running.terminate()
            running.wait(30)
