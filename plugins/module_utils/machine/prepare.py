# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that makes a machine ready for Kubernetes: files, kernel, binaries, runtime, images, kubelet unit.

Private to the collection.
"""

from __future__ import annotations

import glob
import os
import typing as t
from dataclasses import dataclass, field

from ..errors import InvalidInput, PlatformError
from ..plan import Plan, Step
from . import artifacts as binaries
from . import (
    before,
    clock,
    files,
    host,
    images,
    kernel,
    kubelet,
    lasting,
    leftovers,
    modes,
    paths,
    registries,
    restarts,
)

_WAVE_FILES, _WAVE_KERNEL, _WAVE_BINARIES, _WAVE_RUNTIME, _WAVE_IMAGES, _WAVE_PIN, _WAVE_KUBELET = range(7)


@dataclass
class Seen:
    """What was observed for a plan.

    :param digests: sha256 by destination of every wanted binary.
    :param images: what containerd holds; ``None`` when it does not run.
    """

    services: dict[str, host.Service]
    digests: dict[str, str | None]
    images: dict[str, images.Image] | None
    pinned: set[str]


@dataclass
class Preparation:
    """Collects steps.

    :param restart: the services whose inputs change.
    :param before: by service, content of its files that change, by path.
    """

    machine: str
    staging: str | None
    steps: list[Step] = field(default_factory=list)
    restart: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    before: dict[str, dict[str, str | None]] = field(default_factory=dict)
    reload: bool = False

    def add(self, wave: int, step_id: str, action: str, description: str, **fields: t.Any) -> None:
        """Adds a step."""
        self.steps.append(Step(step_id, action, self.machine, description, wave=wave, **fields))

    def notice(self, reader: str | None, path: str, content: str | None) -> None:
        """Notes that a file of a service changes, and what is in it now."""
        if reader is not None:
            self.restart.add(reader)
            self.before.setdefault(reader, {})[path] = content

    def staged(self, artifact: t.Mapping[str, t.Any]) -> str:
        """Where the controller has put an artifact.

        :raises PlatformError: it has not.
        """
        path = os.path.join(self.staging or "", str(artifact["sha256"]))
        if not self.staging or not os.path.exists(path):
            raise PlatformError(f"the artifact {artifact['name']} was not transferred to this machine")
        return path


def observe(artifacts: t.Sequence[t.Mapping[str, t.Any]]) -> Seen:
    """Reads what a plan needs to know."""
    services = host.services(["containerd", "kubelet", *clock.SERVICES])
    wanted = [item["destination"] for item in artifacts if item["kind"] == "binary"]
    seen = Seen(services, binaries.installed(wanted), None, set())
    if services["containerd"].active and os.path.exists("/usr/local/bin/ctr"):
        seen.images, seen.pinned = images.present(), images.pinned()
    return seen


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    artifacts: t.Sequence[t.Mapping[str, t.Any]],
    staging: str | None,
) -> Plan:
    """What has to be done on this machine. C(outputs.missing) are the digests of artifacts that must be sent first.

    :raises InvalidInput: another Kubernetes version is declared than a living Node runs.
    """
    preparation = Preparation(machine["name"], staging)
    seen = observe(artifacts)
    warnings = clock.warnings(machine["name"], seen.services)
    _check_version(cluster, machine["name"], artifacts, seen)
    desired = files.desired_files(cluster, sandbox_image(artifacts))
    written = [*(item.path for item in desired), *seen.digests]
    before.add_note(preparation.add, written)
    _plan_leftovers(preparation, written)
    _plan_files(preparation, desired)
    _plan_obsolete(preparation, desired)
    member = os.path.exists(paths.KUBELET_CLIENT)
    if member:
        _plan_kubelet_settings(preparation, cluster)
    _plan_modes(preparation, member, machine["role"] == "control_plane")
    warnings += kernel.plan(preparation.add, _WAVE_KERNEL)
    _plan_binaries(preparation, artifacts, seen)
    _plan_runtime(preparation, seen, desired)
    plan_images(preparation, artifacts, seen)
    _plan_kubelet(preparation, seen, desired)
    return Plan(
        steps=preparation.steps,
        outputs={"missing": sorted(set(preparation.missing))},
        warnings=warnings,
        parallel=2,
    )


def _check_version(
    cluster: t.Mapping[str, t.Any], machine: str, artifacts: t.Sequence[t.Mapping[str, t.Any]], seen: Seen
) -> None:
    """Another Kubernetes version on a living Node is an upgrade, which has an order of its own."""
    kubelet = next((item for item in artifacts if item["name"] == "kubelet"), None)
    if kubelet is None or not os.path.exists(paths.KUBELET_CONF):
        return
    current = seen.digests[kubelet["destination"]]
    if current is None or current == kubelet["sha256"]:
        return
    said = host.run([kubelet["destination"], "--version"], check=False).stdout.split()
    running = said[-1].removeprefix("v") if said else "unknown"
    problem = lasting.version_problem(cluster, machine, running)
    if problem is not None:
        raise InvalidInput([problem])


def sandbox_image(artifacts: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The pause image's reference.

    :raises PlatformError: the bundle has none.
    """
    references = image_references(artifacts)
    if "pause" not in references:
        raise PlatformError("the bundle holds no pause image")
    return references["pause"]


def image_references(artifacts: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Image references by their last path part without tag: C(etcd), C(coredns)."""
    every = [ref for item in artifacts if item["kind"] == "image" for ref in item["references"]]
    return {ref.rsplit("/", 1)[-1].split(":", 1)[0]: ref for ref in every}


def _plan_leftovers(preparation: Preparation, written: t.Sequence[str]) -> None:
    left = leftovers.found(written)
    if left:
        preparation.add(
            _WAVE_FILES,
            "clean:leftovers",
            "delete",
            "remove what a killed run left lying: " + ", ".join(left),
            before={"files": left},
            perform=lambda: leftovers.remove(left),
        )


def _plan_files(preparation: Preparation, desired: t.Sequence[files.DesiredFile]) -> None:
    for item in desired:
        current, mode = host.read(item.path), host.mode_of(item.path)
        if current == item.content and mode == item.mode:
            continue
        before: t.Any
        after: t.Any
        if current == item.content:
            before, after = {"mode": f"{mode:04o}"}, {"mode": f"{item.mode:04o}"}
            description = f"set the mode of {item.path}"
        else:
            before, after, description = current, item.content, f"write {item.path}"
            preparation.reload |= item.path.startswith("/etc/systemd/")
            preparation.notice(item.reader, item.path, current)
        preparation.add(
            _WAVE_FILES,
            f"file:{item.path}",
            "create" if current is None else "update",
            description,
            before=before,
            after=after,
            perform=lambda item=item: host.write(item.path, item.content, item.mode),
        )


def _plan_obsolete(preparation: Preparation, desired: t.Sequence[files.DesiredFile]) -> None:
    """Files of ours that are no longer declared."""
    mirrors = sorted(glob.glob(f"{registries.CERTS_DIRECTORY}/*/hosts.toml"))
    for path, reader in files.obsolete(desired, mirrors, host.read):
        preparation.reload |= reader is not None
        preparation.notice(reader, path, host.read(path))
        preparation.add(
            _WAVE_FILES,
            f"file:{path}",
            "delete",
            f"remove {path}",
            before=host.read(path),
            perform=lambda path=path: host.remove(path),
        )


def _plan_kubelet_settings(preparation: Preparation, cluster: t.Mapping[str, t.Any]) -> None:
    """The kubelet's settings, which kubeadm has written on a machine that belongs to a cluster."""
    (before, after), text = kubelet.difference(cluster)
    if before or after:
        preparation.notice("kubelet", paths.KUBELET_CONFIG, host.read(paths.KUBELET_CONFIG))
        preparation.add(
            _WAVE_FILES,
            f"file:{paths.KUBELET_CONFIG}",
            "update",
            "configure the kubelet: " + ", ".join(after),
            before=before,
            after=after,
            perform=lambda: host.write(paths.KUBELET_CONFIG, text, 0o600),
        )


def _plan_modes(preparation: Preparation, member: bool, control_plane: bool) -> None:
    for path, current, mode in modes.loose(member, control_plane):
        if path in preparation.before.get("kubelet", ()):
            continue
        preparation.add(
            _WAVE_FILES,
            f"mode:{path}",
            "update",
            f"set the mode of {path} to {mode:04o}",
            before=f"{current:04o}",
            after=f"{mode:04o}",
            perform=lambda path=path, mode=mode: os.chmod(path, mode),
        )


def _plan_binaries(preparation: Preparation, artifacts: t.Sequence[t.Mapping[str, t.Any]], seen: Seen) -> None:
    wanted: dict[str, list[t.Mapping[str, t.Any]]] = {}
    for item in artifacts:
        if item["kind"] == "binary" and seen.digests[item["destination"]] != item["sha256"]:
            wanted.setdefault(item["sha256"], []).append(item)
    for digest, items in wanted.items():
        names = [item["destination"] for item in items]
        preparation.missing.append(digest)
        preparation.restart |= {
            name
            for name in ("containerd", "kubelet")
            if f"/usr/local/bin/{name}" in names and seen.services[name].active
        }
        preparation.add(
            _WAVE_BINARIES,
            f"binary:{names[0]}",
            "create" if all(seen.digests[name] is None for name in names) else "update",
            "install " + ", ".join(f"{os.path.basename(item['destination'])} {item['version']}" for item in items),
            before={name: seen.digests[name] for name in names},
            after=dict.fromkeys(names, digest),
            perform=lambda items=items, digest=digest, names=names: _install(preparation, items[0], digest, names),
        )


def _install(preparation: Preparation, artifact: t.Mapping[str, t.Any], digest: str, names: list[str]) -> None:
    staged = preparation.staged(artifact)
    binaries.install(staged, digest, names)
    binaries.record(dict.fromkeys(names, digest))
    leftovers.used(staged)


def _inputs(service: str, desired: t.Sequence[files.DesiredFile]) -> list[str]:
    return [f"/usr/local/bin/{service}", *(item.path for item in desired if item.reader == service)]


def _plan_runtime(preparation: Preparation, seen: Seen, desired: t.Sequence[files.DesiredFile]) -> None:
    service = seen.services["containerd"]
    inputs = _inputs("containerd", desired)
    restart = service.active and ("containerd" in preparation.restart or restarts.stale(service, inputs))
    if any(seen.services[name].reload_needed for name in ("containerd", "kubelet")):
        preparation.reload = True
    if preparation.reload:
        preparation.add(
            _WAVE_BINARIES,
            "systemd",
            "run",
            "make systemd read its units again",
            perform=lambda: host.systemctl("daemon-reload"),
        )
    if service.active and service.enabled and not restart:
        return
    preparation.add(
        _WAVE_RUNTIME,
        "service:containerd",
        "restart" if restart else "run",
        "restart containerd" if restart else "enable and start containerd",
        before={"active": service.active, "enabled": service.enabled},
        after={"active": True, "enabled": True},
        perform=lambda: _start_runtime(preparation.before.get("containerd", {}) if restart else {}),
    )


def _start_runtime(before: t.Mapping[str, str | None]) -> None:
    host.systemctl("enable", "--quiet", "containerd")
    restarts.restart("containerd", _runtime_ailment, before, 60)


def _runtime_ailment() -> str | None:
    done = host.run(["/usr/local/bin/crictl", "version"], check=False, timeout=10)
    return None if done.returncode == 0 else "no answer from its CRI"


def plan_images(preparation: Preparation, artifacts: t.Sequence[t.Mapping[str, t.Any]], seen: Seen) -> None:
    """Adds the import and the pinning of images; touches nothing that runs."""
    present = seen.images or {}
    every: list[str] = []
    imported: set[str] = set()
    for item in (item for item in artifacts if item["kind"] == "image"):
        every += item["references"]
        if not images.missing(item, present):
            continue
        imported |= set(item["references"])
        preparation.missing.append(item["sha256"])
        preparation.add(
            _WAVE_IMAGES,
            f"images:{item['name']}",
            "create",
            "import " + ", ".join(item["references"]),
            before={ref: present[ref].digest for ref in item["references"] if ref in present} or None,
            after={ref: (item.get("digests") or {}).get(ref) for ref in item["references"]},
            perform=lambda item=item: _import(preparation.staged(item)),
        )
    unpinned = [ref for ref in images.unpinned(every, present, seen.pinned) if ref not in imported]
    if unpinned or imported:
        preparation.add(
            _WAVE_PIN,
            "images:pinned",
            "update",
            "pin " + ", ".join([*sorted(imported), *unpinned]) + " and see the runtime report it",
            perform=lambda: _pin(unpinned, every),
        )


def _import(staged: str) -> None:
    images.import_archive(staged)
    leftovers.used(staged)


def _pin(unpinned: t.Sequence[str], every: t.Sequence[str]) -> None:
    images.pin(unpinned)
    images.verify_pinned(every)


def _plan_kubelet(preparation: Preparation, seen: Seen, desired: t.Sequence[files.DesiredFile]) -> None:
    service = seen.services["kubelet"]
    if not service.enabled:
        preparation.add(
            _WAVE_KUBELET,
            "service:kubelet:enabled",
            "run",
            "enable the kubelet",
            perform=lambda: host.systemctl("enable", "--quiet", "kubelet"),
        )
    inputs = [*_inputs("kubelet", desired), paths.KUBELET_CONFIG]
    if service.active and ("kubelet" in preparation.restart or restarts.stale(service, inputs)):
        preparation.add(
            _WAVE_KUBELET + 1,
            "service:kubelet",
            "restart",
            "restart the kubelet",
            perform=lambda: kubelet.restart(preparation.before.get("kubelet", {})),
        )
    elif os.path.exists("/etc/kubernetes/kubelet.conf") and not service.active:
        preparation.add(
            _WAVE_KUBELET + 1,
            "service:kubelet",
            "run",
            "start the kubelet",
            perform=lambda: host.systemctl("start", "kubelet"),
        )
