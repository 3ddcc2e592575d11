# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that makes a machine of a promoted cluster ours. Nothing is restarted by it. Private to the collection.

What is written is read by our own runs alone, or by nobody yet. Each step is left out where it was done, so a run that
was killed goes on.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ...errors import PlatformError, Refused
from ...plan import Plan
from .. import arguments, before, host, node, paths, probe, settings
from . import look

_API_SERVER = f"{paths.MANIFESTS}/kube-apiserver.yaml"


def plan(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], uid: str) -> Plan:
    """What makes this machine ours.

    :param uid: identity of the cluster, as the hub has recorded it.
    :raises Refused: the machine is another cluster's by its own record.
    """
    name = cluster["name"]
    found = probe.holding(cluster, machine)
    recorded = found.recorded.get("name")
    if recorded not in (None, name):
        raise Refused(f"{machine['name']} belongs to {recorded} by its own record; nothing was changed.")
    steps = node.Steps(machine["name"])
    _add_note(steps)
    if machine["role"] == "control_plane":
        _add_encryption(steps)
    node.add_record(steps, cluster, found, lambda: uid)
    return Plan(steps=steps.items, outputs={"machine": machine["name"]})


def _add_note(steps: node.Steps) -> None:
    """A reset goes back to this: a machine without a cluster, since what it was before its cluster nobody knows."""
    if before.wanted():
        noted = emptied(before.observe(()))
        steps.add(
            "record:before",
            "create",
            "note what a reset goes back to: a machine without a cluster",
            lambda: before.write(noted),
            after=dataclasses.asdict(noted),
        )


def emptied(seen: before.Before) -> before.Before:
    """The note for a reset of a machine that belongs to a cluster already: what the cluster filled goes. Pure."""
    off = {"enabled": False, "active": False}
    directories = {path: None if path in before.TREES else mode for path, mode in seen.directories.items()}
    return before.Before(
        sysctls=dict(seen.sysctls),
        directories=directories,
        units={name: dict(off) for name in before.UNITS},
    )


def _add_encryption(steps: node.Steps) -> None:
    """The file that our API servers read: what the cluster's own one holds, so that no Secret becomes unreadable.

    Where nothing is encrypted it says so. A key that only one of several API servers had would make Secrets
    unreadable to the others.
    """
    if host.read(paths.ENCRYPTION) is not None:
        return
    path, text = look.encryption_text(arguments.parsed(host.read(_API_SERVER) or ""))
    if path and text is None:
        raise PlatformError(f"{path}, by which the API server encrypts, cannot be read; nothing was changed")
    content = settings.no_encryption() if text is None else text
    steps.add(
        f"file:{paths.ENCRYPTION}",
        "create",
        f"keep a copy of {path}, by which the API server encrypts" if path else "note that Secrets are not encrypted",
        lambda: _write(content),
        after="(secret)" if path else content,
    )


def _write(content: str) -> None:
    host.make_directory(paths.SETTINGS, 0o700)
    host.write(paths.ENCRYPTION, content, 0o600)
