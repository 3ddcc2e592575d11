# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A created cluster ends: nothing of it is left on its machine or on the hub, and a killed run goes on."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.e2e.test_3_rules import pod
from tests.faults.solo_fleet import Solo, overlay
from tests.faults.test_refused import refused
from tests.faults.test_reset import settled, told
from tests.faults.traces import differences, traces

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]
DESTROY = "lodestar.platform.destroy"
NAMED = ("-e", "destroy=east")
CONFIRMED = (*NAMED, "-e", "destroy_confirm=east")
_ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
_RECORDS = "managedclusters,clusterprofiles,namespaces,secrets"


def east(directory: Path) -> tuple[str, str]:
    """An inventory in which s2 is the cluster east, beside the hub on s1, as arguments of ansible-playbook."""
    hosts = {"s2": {"ansible_host": "{{ testbed.machines.s2.address }}"}}
    children = {"east_machines": {"children": {"east_control_plane": {"hosts": hosts}}}}
    cluster = {
        "kubernetes_version": "1.36.3",
        "cluster_colocated": True,
        "endpoint": {"address": "{{ testbed.machines.s2.address }}", "provider": "external"},
    }
    clusters = {"hosts": {"east": {}}}
    everything = {"clusters": clusters, "machines": {"children": children}, "in_containers": clusters}
    return overlay(directory, {"hosts.yml": everything, "host_vars/east.yml": cluster})


def on_the_hub(solo: Solo) -> list[str]:
    """Names of what the hub has of east."""
    solo.operator()
    columns = "custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name"
    listed = solo.kubectl("solo", "get", _RECORDS, "-A", "--no-headers", "-o", columns)
    return [" ".join(line.split()) for line in listed.splitlines() if "east" in line]


def shop(solo: Solo) -> None:
    """Somebody's work on east."""
    solo.on("s2", f"{_ADMIN} create namespace shop && {_ADMIN} create serviceaccount default -n shop || true")
    text = json.dumps(pod("web", "shop"))
    solo.on("s2", f"echo '{text}' | {_ADMIN} create -f -")
    running = f"{_ADMIN} get pod web -n shop -o jsonpath='{{.status.phase}}'"
    eventually(lambda: solo.on("s2", running, check=False) == "Running", 90)
    solo.on("s2", "rm -rf /root/.kube")  # which kubectl has made just now


@pytest.fixture
def standing_east(solo: Solo, tmp_path: Path) -> t.Iterator[tuple[tuple[str, str], dict[str, set[str]]]]:
    """The hub, and east beside it; what was on the machine of east before."""
    solo.testbed("reimage", "s1", "s2")
    for machine in ("s1", "s2"):
        eventually(lambda machine=machine: settled(solo, machine), 60)
    before = traces(solo, "s2")
    inventory = east(tmp_path)
    solo.site(*inventory).checked()
    yield inventory, before
    solo.testbed("reimage", "s1", "s2")


def test_a_cluster_ends(solo: Solo, standing_east: t.Any, bar: Bar) -> None:
    inventory, before = standing_east
    shop(solo)
    assert len(on_the_hub(solo)) >= 4
    running = solo.processes("s2")
    refused(
        solo.playbook(DESTROY, *inventory, *NAMED),
        ["would end the cluster east for good", "namespace shop: 1 pod", "pass -e destroy_confirm=east"],
    )
    wrong = solo.playbook(DESTROY, *inventory, *NAMED, "-e", "destroy_confirm=solo")
    refused(wrong, ['destroy_confirm = "solo"', "Nothing was changed"])
    hub = solo.playbook(DESTROY, *inventory, "-e", "destroy=solo", "-e", "destroy_confirm=solo")
    refused(hub, ["it records 1 other cluster(s): east"])
    predicted = solo.playbook(DESTROY, *inventory, *NAMED, "--check", "--diff").checked()
    told(predicted.output, "namespace shop: 1 pod", "data included: s2")
    assert solo.processes("s2") == running

    done = solo.playbook(DESTROY, *inventory, *CONFIRMED).checked()
    assert done.steps() == predicted.steps()
    told(done.output, "take it out of the inventory now")
    assert differences(before, traces(solo, "s2")) == []
    assert on_the_hub(solo) == []
    again = solo.playbook(DESTROY, *inventory, *CONFIRMED).checked()
    assert (again.changed, again.steps()) == (0, [])
    bar("a created cluster ended", "as predicted; nothing left on its machine or the hub; a second run changes nothing")

    solo.site(*inventory).checked()  # the name is free again, and so is the machine
    _killed(solo, inventory, bar)


def _killed(solo: Solo, inventory: tuple[str, str], bar: Bar) -> None:
    """A run that is killed once the hub has the mark: others see it, and the next one finishes."""
    run = solo.begin(*inventory, *CONFIRMED, playbook=DESTROY)
    eventually(lambda: marked(solo), 300, 0.5)
    run.kill()
    site = solo.site(*inventory)
    assert site.code != 0
    told(site.output, "east: it is being destroyed since", f"{DESTROY} and -e destroy=east")
    assert "destroying" in solo.playbook("lodestar.platform.fleet_status", *inventory).output
    solo.testbed("kill", "s2")
    away = solo.playbook(DESTROY, *inventory, *CONFIRMED)
    assert away.code != 0
    told(away.output, "east is not destroyed yet", "Not reset: - s2:", "-e destroy_unreachable=s2")
    assert marked(solo)
    solo.testbed("start", "s2")
    eventually(lambda: settled(solo, "s2"), 120)
    solo.playbook(DESTROY, *inventory, *CONFIRMED).checked()
    assert on_the_hub(solo) == []
    assert solo.on("s2", "ls /var/lib/lodestar /etc/kubernetes 2>/dev/null", check=False) == ""
    bar("a destruction that was killed, or met a dead machine", "site runs see it, and the next run finishes it")


def marked(solo: Solo) -> bool:
    """Whether the hub has east as being destroyed."""
    return bool(solo.get("solo", "managedclusters", "-l", "lodestar.platform/destroying")["items"])
