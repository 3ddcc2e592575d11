# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of etcd on a control plane: taken, verified, and the oldest removed. Private to the collection."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import shutil
import time
import typing as t

from ..errors import PlatformError, Refused
from ..plan import Plan
from . import artifacts, host, leftovers, node, paths, place, prepare
from .etcd import Etcd, quorum_problem

DIRECTORY = f"{host.STATE_DIRECTORY}/snapshots"
#: etcd's tools are no part of what runs, so they stay out of the search path.
TOOLS = f"{host.STATE_DIRECTORY}/bin"
_SUFFIX = ".db"
_DIGEST_BYTES = 32
#: A snapshot is as large as the database; this much more of it must be free.
_SPARE = 1.2

Artifacts = t.Sequence[t.Mapping[str, t.Any]]


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    items: Artifacts,
    staging: str | None,
    keep: int,
) -> Plan:
    """Takes a snapshot on this control plane, and keeps the newest ones.

    :param items: etcd's tools, as artifacts of the bundle.
    :param keep: how many snapshots stay, the new one included.
    :raises Refused: etcd has no quorum, or there is no room.
    """
    problem = quorum_problem(Etcd(machine["node_ip"]).members())
    if problem is not None:
        raise Refused(f"no snapshot can be taken on {machine['name']}: {problem}")
    _require_room(machine)
    preparation = prepare.Preparation(machine["name"], staging)
    _plan_tools(preparation, items)
    steps = node.Steps(machine["name"], preparation.steps)
    answer: dict[str, t.Any] = {}
    description = f"keep a verified snapshot of etcd in {DIRECTORY}"
    steps.add("etcd:snapshot", "create", description, lambda: answer.update(_take(cluster, machine)))
    for path in surplus(existing(), keep - 1):
        steps.add(
            f"file:{path}",
            "delete",
            f"remove the old snapshot {path}",
            functools.partial(host.remove, path),
            before=path,
        )
    outputs = {
        "missing": sorted(set(preparation.missing)),
        "machine": {"architecture": place.architecture()},
        "snapshot": None,
    }
    return Plan(steps=steps.items, outputs=outputs, finish=lambda: {"snapshot": answer})


def existing() -> list[str]:
    """Paths of the snapshots here, the newest first. One that was not finished has another name."""
    try:
        found = [entry.path for entry in os.scandir(DIRECTORY) if entry.name.endswith(_SUFFIX)]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda path: os.stat(path).st_mtime, reverse=True)


def surplus(newest_first: t.Sequence[str], keep: int) -> list[str]:
    """Those that are too many. Pure."""
    return list(newest_first[max(keep, 0) :])


def _require_room(machine: t.Mapping[str, t.Any]) -> None:
    database = f"{paths.ETCD_DATA}/member/snap/db"
    size = os.stat(database).st_size if os.path.exists(database) else 0
    free = shutil.disk_usage("/var/lib").free
    if free < size * _SPARE:
        raise Refused(
            f"no snapshot can be taken on {machine['name']}: /var/lib has {free >> 20} MiB free, and etcd's"
            f" database has {size >> 20} MiB. Make room, and run again."
        )


def _plan_tools(preparation: prepare.Preparation, items: Artifacts) -> None:
    there = artifacts.installed([item["destination"] for item in items])
    for item in items:
        path, digest = item["destination"], item["sha256"]
        if there[path] == digest:
            continue
        preparation.missing.append(digest)
        preparation.add(
            len(preparation.steps),
            f"binary:{path}",
            "create" if there[path] is None else "update",
            f"install {item['name']} {item['version']}",
            before=there[path],
            after=digest,
            perform=lambda item=item: _install(preparation.staged(item), item),
        )


def _install(source: str, item: t.Mapping[str, t.Any]) -> None:
    host.make_directory(TOOLS, 0o700)
    artifacts.install(source, item["sha256"], [item["destination"]])
    artifacts.record({item["destination"]: item["sha256"]})
    leftovers.used(source)


def _take(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Saves under another name, verifies, and gives the file its name: what bears it is whole."""
    host.make_directory(DIRECTORY, 0o700)
    for left in glob.glob(f"{DIRECTORY}/*.part"):
        host.remove(left)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = os.path.join(DIRECTORY, f"{cluster['name']}-{stamp}{_SUFFIX}")
    temporary = f"{path}.{os.getpid()}.part"
    address = f"[{machine['node_ip']}]" if ":" in machine["node_ip"] else machine["node_ip"]
    client = f"{paths.PKI}/etcd/healthcheck-client"
    arguments = ["--endpoints", f"https://{address}:2379", "--cacert", f"{paths.PKI}/etcd/ca.crt"]
    arguments += ["--cert", f"{client}.crt", "--key", f"{client}.key"]
    try:
        host.run([f"{TOOLS}/etcdctl", *arguments, "snapshot", "save", temporary], timeout=600)
        os.chmod(temporary, 0o600)
        status = _verify(temporary)
        os.replace(temporary, path)
    finally:
        for left in (temporary, f"{temporary}.part"):
            host.remove(left)
    return {"path": path, **status}


def _verify(path: str) -> dict[str, t.Any]:
    """The digest that etcd has put at the end, and the tree of the database, which etcdutl walks.

    :raises PlatformError: the snapshot is damaged.
    """
    if not sealed(path):
        raise PlatformError("the snapshot of etcd is damaged: its content does not fit the digest at its end")
    said = json.loads(host.run([f"{TOOLS}/etcdutl", "snapshot", "status", path, "-w", "json"], timeout=600).stdout)
    if not said.get("totalKey"):
        raise PlatformError("the snapshot of etcd holds no keys")
    return {"revision": said["revision"], "keys": said["totalKey"], "bytes": os.stat(path).st_size}


def sealed(path: str) -> bool:
    """Whether the last 32 bytes of a file are the sha256 of all before them."""
    digest, left = hashlib.sha256(), os.stat(path).st_size - _DIGEST_BYTES
    with open(path, "rb") as stream:
        while left > 0 and (chunk := stream.read(min(left, 1 << 20))):
            digest.update(chunk)
            left -= len(chunk)
        return left == 0 and stream.read() == digest.digest()
