# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the static pods of a control plane to their declared arguments, one at a time.

kubeadm makes the manifest; it is put in its place at once, and put back where the new pod does not become healthy.
Private to the collection.
"""

from __future__ import annotations

import contextlib
import functools
import time
import typing as t
from dataclasses import dataclass

from ..errors import PlatformError
from . import arguments, health, host, kubeadm, kubeapi, node, paths, running
from .etcd import Etcd

_PHASES = {
    "etcd": ("etcd", "local"),
    "kube-apiserver": ("control-plane", "apiserver"),
    "kube-controller-manager": ("control-plane", "controller-manager"),
    "kube-scheduler": ("control-plane", "scheduler"),
}
_HEALTH_PORTS = {"kube-controller-manager": 10257, "kube-scheduler": 10259}
#: Longer than an API server takes to end what it serves, and to begin.
_SECONDS = 180


@dataclass(frozen=True)
class Change:
    """A static pod that does not run as declared.

    :param before: the arguments that differ, as they are; C(after) as they should be.
    :param manifest: what is there, ``None`` where nothing is.
    """

    component: str
    before: arguments.Arguments
    after: arguments.Arguments
    wanted: arguments.Arguments
    manifest: str | None

    @property
    def path(self) -> str:
        """Of the manifest."""
        return f"{paths.MANIFESTS}/{self.component}.yaml"


def changes(member: node.Member) -> list[Change]:
    """The static pods of this control plane whose manifests are not as declared, by reading only.

    One of another version is left to the upgrade that it is a part of.
    """
    answer = []
    for component in paths.STATIC_PODS:
        manifest = host.read(f"{paths.MANIFESTS}/{component}.yaml")
        image = arguments.image_of(manifest or "")
        if image is not None and kubeadm.tag(image) != _tag(component, member):
            continue
        wanted = arguments.wanted(component, member.cluster, member.machine, member.images)
        before, after = arguments.difference(wanted, arguments.parsed(manifest or ""))
        if before or after:
            answer.append(Change(component, before, after, wanted, manifest))
    return answer


def _tag(component: str, member: node.Member) -> str:
    return kubeadm.tag(member.images["etcd"]) if component == "etcd" else f"v{member.cluster['version']}"


def unknown_arguments(cluster: t.Mapping[str, t.Any], found: t.Sequence[Change]) -> dict[str, str | None]:
    """Declared arguments that the API server of this machine does not know, each with the one it resembles.

    Its own binary is asked, and only for arguments that it does not run with.
    """
    change = next((item for item in found if item.component == "kube-apiserver"), None)
    names = set(change.after) & set(cluster.get("api_server_args") or {}) if change else set()
    process = running.process("kube-apiserver") if names else None
    if process is None:
        return {}
    try:
        said = host.run(["kube-apiserver", "--help"], executable=f"/proc/{process}/exe", check=False, timeout=30)
    except (PlatformError, OSError):
        # It needs files of its container; then kubelet and deadline will tell.
        return {}
    return arguments.unknown(names, said.stdout)


def add(steps: node.Steps, member: node.Member) -> None:
    """Adds a step for each static pod that does not run as declared."""
    for change in changes(member):
        names = ", ".join(f"--{name}" for name in sorted({*change.before, *change.after}))
        told = f"run {change.component} with its declared arguments: {names}"
        steps.add(
            f"static-pod:{change.component}",
            "create" if change.manifest is None else "update",
            f"run {change.component}" if change.manifest is None else told,
            functools.partial(_replace, change, member),
            before=change.before or None,
            after=change.after or None,
        )


def _replace(change: Change, member: node.Member) -> None:
    of_the_store = change.component in ("etcd", "kube-apiserver")
    # One that is down already takes nothing with it.
    serves = of_the_store and _ailment(change.component, member) is None
    well = health.require_quorum_without(member.machine) if serves else set()
    manifest = _made(change, member)
    began = time.time()
    host.write(change.path, manifest, 0o600)
    try:
        _wait(change, member, began)
    except PlatformError as exc:
        said = running.last_words(change.component)
        _put_back(change, member)
        raise PlatformError(
            f"{exc}. The manifest that was there before is back; no other machine was touched."
            f" The last lines of {change.component}:\n{said}"
        ) from exc
    if of_the_store:
        health.wait_recovered(member.cluster, member.machine, well)


def _made(change: Change, member: node.Member) -> str:
    """The manifest as kubeadm makes it, which reaches the kubelet only when it says what is wanted."""
    directory = f"{host.RUN_DIRECTORY}/manifests"
    host.remove_tree(directory)
    host.make_directory(host.RUN_DIRECTORY, 0o700)
    host.make_directory(directory, 0o700)
    try:
        member.run_phase([*_PHASES[change.component], "--dry-run"], {"KUBEADM_INIT_DRYRUN_DIR": directory})
        manifest = host.read(f"{directory}/{change.component}.yaml") or ""
    finally:
        host.remove_tree(directory)
    before, after = arguments.difference(change.wanted, arguments.parsed(manifest))
    if before or after:
        raise PlatformError(
            f"kubeadm made a manifest of {change.component} with other arguments than were planned;"
            f" nothing was changed. Planned: {after}, made: {before}"
        )
    return manifest


def _wait(change: Change, member: node.Member, began: float) -> None:
    def lacking() -> str | None:
        if running.exits_since(change.component, began) > 1:
            raise PlatformError(f"{change.component} ends again and again with its new arguments")
        command = running.command_of(change.component)
        if command is None:
            return "it does not run"
        if arguments.difference(change.wanted, arguments.of_command(command)) != ({}, {}):
            return "it runs with its old arguments"
        return _ailment(change.component, member)

    host.wait_for(f"{change.component} is well with its new arguments", lacking, _SECONDS, interval=1)


def _ailment(component: str, member: node.Member) -> str | None:
    machine = member.machine
    if component == "etcd":
        try:
            members = Etcd(machine["node_ip"]).members()
        except PlatformError as exc:
            return str(exc)
        well = any(item.name == machine["node_name"] and item.healthy and not item.learner for item in members)
        return None if well else "its member of etcd is not healthy"
    if component == "kube-apiserver":
        api = kubeapi.local_admin(machine["node_ip"], kubeadm.bind_port(member.cluster), timeout=5)
        path = "/readyz"
    else:
        api, path = kubeapi.Api("127.0.0.1", _HEALTH_PORTS[component], None, timeout=5), "/healthz"
    if api is None:
        return f"{paths.ADMIN_CONF} is missing or damaged"
    try:
        status = api.raw("GET", path)[0]
        return None if status == 200 else f"{path} says {status}"
    except kubeapi.ApiError as exc:
        return str(exc)
    finally:
        api.close()


def _put_back(change: Change, member: node.Member) -> None:
    if change.manifest is None:
        host.remove(change.path)
        return
    host.write(change.path, change.manifest, 0o600)
    # What comes after may need it; that it was not well before either is no news.
    with contextlib.suppress(PlatformError):
        host.wait_for(f"{change.component} is well", lambda: _ailment(change.component, member), _SECONDS, interval=1)
