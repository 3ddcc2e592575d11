# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kubelet of a machine that belongs to a cluster: its configuration, and restarts that leave it well.

Private to the collection.
"""

from __future__ import annotations

import http.client
import time
import typing as t

from . import block_yaml, component_config, host, paths, restarts

#: A kubelet with a bad configuration ends at once and is begun again every two seconds.
_SECONDS = 60


def difference(cluster: t.Mapping[str, t.Any]) -> tuple[component_config.Difference, str]:
    """Where this machine's kubelet configuration is not as declared, and the text that it should have.

    kubeadm writes the file when a machine joins; it is ours to keep from then on.
    """
    seen = block_yaml.mapping(host.read(paths.KUBELET_CONFIG))
    desired = component_config.kubelet_of_machine(cluster, seen)
    return component_config.kubelet_difference(desired, seen), component_config.text_of(desired)


def restart(before: t.Mapping[str, str | None]) -> None:
    """Restarts the kubelet and waits until it is well.

    :param before: content of the files that were changed for it, by path; they are put back where it does not get well.
    :raises PlatformError: it did not.
    """
    restarts.restart("kubelet", _ailment, before, _SECONDS)


def _ailment() -> str | None:
    service = host.services(["kubelet"])["kubelet"]
    if not service.active:
        return f"it does not run ({service.state})"
    seen = block_yaml.mapping(host.read(paths.KUBELET_CONFIG)) or {}
    port = seen.get("healthzPort", 10248)
    if not isinstance(port, int) or port == 0:
        # Nothing can be asked; that it still runs after a moment must do.
        return None if time.time() - service.started > 5 else "it has just begun"
    connection = http.client.HTTPConnection(str(seen.get("healthzBindAddress") or "127.0.0.1"), port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
        return None if status == 200 else f"its /healthz says {status}"
    except (OSError, http.client.HTTPException) as exc:
        return f"its /healthz does not answer: {exc}"
    finally:
        connection.close()
