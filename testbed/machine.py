# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One machine of a fleet, as Docker runs it."""

from __future__ import annotations

import io
import time
import typing as t
from dataclasses import dataclass

import docker
import docker.errors
from docker.models.containers import Container

from . import transfer
from .errors import TestbedError
from .names import LABEL_FLEET, LABEL_MACHINE

#: Directories on disks of their own: an overlay on an overlay does not work, and etcd wants a plain file system.
VOLUMES = ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd")
_DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Blueprint:
    """What a machine's container is made from."""

    machine: str
    container: str
    fleet_id: str
    network: str
    address: str
    gateway: str
    image: str
    public_key: str


def create(client: docker.DockerClient, plan: Blueprint) -> Container:
    """Makes a machine that has never run, with empty disks. It is not started."""
    api = client.api
    host_config = api.create_host_config(
        # Not --privileged: that asks for CAP_SYS_RESOURCE, which some hosts do not have to give.
        cap_add=["ALL"],
        cap_drop=["SYS_RESOURCE"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        cgroupns="private",
        tmpfs={"/run": "exec,mode=755", "/tmp": "exec,mode=1777"},  # noqa: S108 - of the machine
    )
    # A host shows all of /proc and /sys, and lets them be written.
    host_config.update(MaskedPaths=[], ReadonlyPaths=[])
    endpoint = api.create_endpoint_config(ipv4_address=plan.address)
    networking = api.create_networking_config(t.cast(t.Any, {plan.network: endpoint}))
    created = api.create_container(
        plan.image,
        name=plan.container,
        hostname=plan.machine,
        environment={"container": "docker", "TESTBED_GATEWAY": plan.gateway},
        labels={LABEL_FLEET: plan.fleet_id, LABEL_MACHINE: plan.machine},
        volumes=list(VOLUMES),
        stop_signal="SIGRTMIN+3",
        host_config=host_config,
        networking_config=networking,
    )
    container = client.containers.get(created["Id"])
    key = transfer.Item("/root/.ssh/authorized_keys", plan.public_key.encode(), 0o600)
    container.put_archive("/", b"".join(transfer.stream([key], private=["/root", "/root/.ssh"])))
    return container


def find(client: docker.DockerClient, fleet_id: str, name: str | None = None) -> dict[str, Container]:
    """The containers of a fleet by machine name, running or not.

    :param name: only this machine; the client looks at each container of a list again, and Docker may deny one that
        is being started.
    """
    labels = [f"{LABEL_FLEET}={fleet_id}", *([f"{LABEL_MACHINE}={name}"] if name else [])]
    found = client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
    return {container.labels[LABEL_MACHINE]: container for container in found}


def kill(container: Container) -> None:
    """Cuts a machine's power: every process of it is killed at once. Its disks stay."""
    try:
        container.kill("SIGKILL")
    except docker.errors.APIError as exc:
        container.reload()
        if container.status == "running":
            raise TestbedError(f"cannot kill {container.name}: {exc.explanation}") from exc
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while container.status == "running":
        if time.monotonic() > deadline:
            raise TestbedError(f"{container.name} still runs {_DEADLINE_SECONDS} s after it was killed")
        time.sleep(0.1)
        container.reload()


def run(container: Container, words: t.Sequence[str], *, check: bool = True) -> tuple[int, str, str]:
    """Runs a command on a machine and returns (exit status, output, errors). Raises when it fails and ``check``."""
    out, err = io.BytesIO(), io.BytesIO()
    status = stream(container, words, out, err)
    output, errors = (buffer.getvalue().decode(errors="replace") for buffer in (out, err))
    if check and status:
        raise TestbedError(
            f"{container.labels[LABEL_MACHINE]}: {words[0]} ended with {status}:\n{(output + errors)[-3000:]}"
        )
    return status, output, errors


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def stream(container: Container, words: t.Sequence[str], out: t.BinaryIO, err: t.BinaryIO) -> int:
    """Runs a command on a machine, passing its output on as it comes. Returns its exit status."""
    api = t.cast(docker.DockerClient, container.client).api
    started = api.exec_create(container.id, list(words), environment={"PATH": _PATH})
    for output, errors in api.exec_start(started["Id"], stream=True, demux=True):
        for target, data in ((out, output), (err, errors)):
            if data:
                target.write(data)
                target.flush()
    return int(api.exec_inspect(started["Id"])["ExitCode"])


def host_keys(container: Container) -> str:
    """The machine's public SSH host keys; waits until it has made them."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        status, output, _errors = run(container, ["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"], check=False)
        # ed25519 is the last kind that ssh-keygen -A makes, so all are there when it is.
        if status == 0 and "ssh-ed25519" in output:
            return output
        if time.monotonic() > deadline:
            log = container.logs(tail=20)
            raise TestbedError(f"{container.name} has no SSH host keys; its log:\n{log!r}")
        time.sleep(0.2)
