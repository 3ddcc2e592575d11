# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of every shape and kind of endpoint are founded: one machine, a load balancer's address, a DNS name."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.conftest import Bar
from tests.e2e.driver import QUICKSTART, ROOT, Fleet, eventually
from tests.e2e.nodes import unready
from tests.faults.balancer import Balancer
from tests.faults.solo_fleet import overlay
from tests.faults.test_refused import refused
from tests.faults.trio_fleet import Trio, declared

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
_ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
#: Of no use outside of this test, so that the line in the controller's /etc/hosts harms nobody.
_NAME = "api.trio.lodestar.test"


@pytest.fixture
def empty(trio: Trio) -> t.Iterator[Trio]:
    """Five empty machines, and nothing left of what the test makes."""
    trio.start_over()
    yield trio
    trio.start_over()


def gateway(fleet: Fleet) -> str:
    """The controller's address in the machines' network."""
    return str(json.loads((fleet.state / "fleet.json").read_text())["network"]["gateway"])


def seen_unready(fleet: Fleet, machine: str) -> list[str]:
    """Nodes that are not Ready, asked through the endpoint from a machine."""
    return unready(json.loads(fleet.on(machine, f"{_ADMIN} get nodes -o json"))["items"])


def backends(fleet: Fleet, *machines: str) -> list[tuple[str, int]]:
    return [(fleet.address(machine), 6443) for machine in machines]


def shipped(directory: Path, machine: str) -> tuple[str, ...]:
    """What inventories/single must be told here: the addresses of this fleet, and what containers need."""
    names = {group: (QUICKSTART / "group_vars" / f"{group}.yml").read_text() for group in ("in_containers", "machines")}
    variables = {group: yaml.safe_load(text) for group, text in names.items()}
    address = {"ansible_host": f"{{{{ testbed.machines.{machine}.address }}}}", "ansible_become": False}
    files = {
        "hosts.yml": {
            "in_containers": {"hosts": {"global": {}}},
            "machines": {"hosts": {"node-1": address}},
        },
        "group_vars/in_containers.yml": variables["in_containers"],
        "group_vars/machines.yml": variables["machines"],
        "group_vars/all/testbed.yml": yaml.safe_load((QUICKSTART / "group_vars" / "all" / "testbed.yml").read_text()),
        "host_vars/global.yml": {
            "endpoint": {"address": "{{ testbed.addresses.trio }}"},
            "cluster_recovery_file": "{{ testbed_state }}/recovery-trio.json",
        },
    }
    return overlay(directory, files)


def running(fleet: Trio, pod: str) -> bool:
    """Whether a pod of the tenant runs; raises AssertionError with its status otherwise."""
    status = fleet.get("trio", "pod", pod, "-n", "apps")["status"]
    assert status.get("phase") == "Running", status
    return True


def test_a_single_machine_that_runs_everything(empty: Trio, tmp_path: Path, bar: Bar) -> None:
    single = dataclasses.replace(empty, inventory=ROOT / "inventories" / "single")
    laid = shipped(tmp_path, "t1")
    predicted = single.site("--check", *laid).checked()
    run = single.site(*laid).checked()
    assert run.steps() == predicted.steps()
    single.operator()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "workload", "namespace": "apps"},
        "spec": {
            "containers": [
                {
                    "name": "pause",
                    "image": single.on("t1", "crictl images | awk '/pause/ {print $1\":\"$2; exit}'").strip(),
                }
            ]
        },
    }
    pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}, "requests": {"cpu": "1m"}}
    single.kubectl("trio", "apply", "-f", "-", text=json.dumps(pod))
    eventually(lambda: running(single, "workload"), 120, 2)
    assert single.site(*laid).checked().changed == 0
    bar("inventories/single: one machine, co-located; a tenant's pod runs", f"{run.seconds:.0f} s; changed=0")


def test_an_address_of_a_load_balancer(empty: Trio, tmp_path: Path, bar: Bar) -> None:
    """On 1.35 kubeadm calls the new cluster by its endpoint; the port is another than the API servers'."""
    endpoint = {"address": gateway(empty), "port": 7443, "provider": "external"}
    version = {"kubernetes_version": "1.35.4", "endpoint": endpoint}
    one, two = (declared(tmp_path, ["t1"], workers, **version) for workers in ([], ["t2"]))
    empty.playbook("lodestar.platform.bundle", *one).checked()
    with Balancer((endpoint["address"], 7443), backends(empty, "t1", "t3")) as balancer:
        run = empty.site(*one).checked()
        assert empty.site(*one).checked().changed == 0
        empty.site(*two).checked()
        eventually(lambda: seen_unready(empty, "t1") == [], 120, 2)
        assert empty.site(*two).checked().changed == 0
        assert balancer.served[empty.address("t1"), 6443] > 0
    assert "kube-vip" not in empty.on("t1", "ls /etc/kubernetes/manifests")
    bar("external load balancer on another port, Kubernetes 1.35.4, and a worker", f"{run.seconds:.0f} s; changed=0")


@pytest.fixture
def named(empty: Trio) -> t.Iterator[Trio]:
    """A name for the endpoint that only the controller knows."""
    hosts = Path("/etc/hosts")
    line = f"{gateway(empty)} {_NAME} # lodestar.platform test\n"
    hosts.write_text(hosts.read_text() + line)
    yield empty
    # In place: in a container the file is a mount.
    hosts.write_text("".join(item for item in hosts.read_text().splitlines(keepends=True) if item != line))


def test_a_name_as_endpoint(named: Trio, tmp_path: Path, bar: Bar) -> None:
    endpoint = {"address": _NAME, "provider": "external"}
    three = declared(tmp_path, ["t1", "t2", "t3"], ["t4"], endpoint=endpoint)
    unknown = [f"{machine}: endpoint-name: {_NAME} is unknown" for machine in ("t1", "t2", "t3", "t4")]
    refused(named.site(*three), [*unknown, "/etc/hosts"])
    for machine in ("t1", "t2", "t3", "t4"):
        named.on(machine, f"echo {gateway(named)} {_NAME} >> /etc/hosts")
    with Balancer((gateway(named), 6443), backends(named, "t1", "t2", "t3")) as balancer:
        predicted = named.site("--check", *three).checked()
        run = named.site(*three).checked()
        assert run.steps() == predicted.steps()
        eventually(lambda: seen_unready(named, "t2") == [], 120, 2)
        names = named.on("t3", "openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName")
        assert f"DNS:{_NAME}" in names
        assert named.site(*three).checked().changed == 0
        assert all(balancer.served.values()), balancer.served
        named.testbed("kill", "t1")
        eventually(lambda: seen_unready(named, "t2") == ["t1"], 120, 2)
        named.testbed("start", "t1")
        named.on("t1", f"grep -q {_NAME} /etc/hosts || echo {gateway(named)} {_NAME} >> /etc/hosts")
        eventually(lambda: seen_unready(named, "t2") == [], 240, 3)
    bar("DNS name of a load balancer before three control planes, the first killed", f"{run.seconds:.0f} s; it answers")
