# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server of this machine as a container of the kubelet's. Private to the collection."""

from __future__ import annotations

from . import health, host
from .control_plane_task import Task


def restart(task: Task) -> None:
    """Ends it, and waits until the kubelet has begun it again and it is ready.

    :raises PlatformError: it does not come back.
    """
    crictl = "/usr/local/bin/crictl"
    listed = host.run([crictl, "ps", "-q", "--name", "^kube-apiserver$"]).stdout.split()
    for container in listed:
        host.run([crictl, "stop", "--timeout", "60", container], timeout=90)
    host.wait_for("the API server is back", lambda: None if task.api().ready() else "not ready", health.SECONDS)
