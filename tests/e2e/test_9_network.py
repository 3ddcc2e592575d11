# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each network switch of a tenant lets through and keeps out, between real pods on two machines of `legacy`."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from tests.conftest import Bar
from tests.e2e.driver import QUICKSTART, Fleet, Run, eventually
from tests.e2e.test_3_rules import attempts, client, create, pod, status
from tests.e2e.test_4_wrong_input import site_with

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
Object = dict[str, t.Any]
#: Namespaces of nobody: of an ingress controller, of monitoring, of a partner that a rule names, of anybody.
OUTSIDE = ("edge", "metrics", "partner", "elsewhere")
RULES = {
    "isolation": "namespace",
    "network": {
        "allow_ingress": True,
        "allow_api_server": True,
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "partner"}}}],
                "ports": [{"protocol": "TCP", "port": 8080}],
            }
        ],
    },
}
CLOSED = {"network": {"allow_dns": False, "allow_monitoring": True}}


def tenants(kubelet: str, **more: t.Any) -> list[Object]:
    """Those of the quickstart, and three more in `legacy`."""
    listed = yaml.safe_load((QUICKSTART / "group_vars/all/tenants.yml").read_text())["tenants"]
    egress = [{"to": [{"ipBlock": {"cidr": f"{kubelet}/32"}}], "ports": [{"protocol": "TCP", "port": 10250}]}]
    common = {"clusters": {"names": ["legacy"]}, **more}
    opened = {**RULES, "network": {**t.cast(Object, RULES["network"]), "egress": egress}}
    return [
        *listed,
        {"name": "opened", "namespaces": ["opened-a", "opened-b"], **opened, **common},
        {"name": "closed", "namespaces": ["closed"], **CLOSED, **common},
        {"name": "free", "namespaces": ["free"], "isolation": "none", **common},
    ]


def persistent(name: str, namespace: str, *arguments: str) -> Object:
    """A client that tries again and again, whatever came of it: what a new pod may send out is known after a moment."""
    made = client(name, namespace, *arguments)
    return {**made, "spec": {**made["spec"], "restartPolicy": "Always"}}


def fails(fleet: Fleet, obj: Object) -> bool:
    """True once a persistent client has tried four times, the last time in vain."""
    containers = status(fleet, obj).get("containerStatuses") or [{}]
    last = (containers[0].get("lastState") or {}).get("terminated")
    return attempts(fleet, obj) >= 3 and last is not None and last["exitCode"] != 0


class Switches:
    """The fleet with three more tenants."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet, self.folder = fleet, folder
        self.settings = {
            "ingress_namespaces": ["edge"],
            "monitoring_namespaces": ["metrics"],
            "api_server": [{"cidr": f"{fleet.address('l1')}/32", "port": 6443}],
        }

    def hold(self, *arguments: str, **more: t.Any) -> Run:
        """A site run."""
        overlay = {
            "hosts.yml": {"clusters": {"hosts": {"legacy": None}}},
            "host:legacy": {"tenant_settings": self.settings},
            "all": {"tenants": tenants(self.fleet.address("l2"), **more)},
        }
        return site_with(self.fleet, self.folder, overlay, *arguments).checked()


@pytest.fixture
def switches(fleet: Fleet, tmp_path: Path) -> t.Iterator[Switches]:
    made = Switches(fleet, tmp_path)
    for name in OUTSIDE:
        fleet.kubectl("legacy", "create", "namespace", name)
    try:
        made.hold()
        yield made
    finally:
        for name in OUTSIDE:
            fleet.kubectl("legacy", "delete", "namespace", name, "--wait=false")
        # In two steps, as a tenant leaves: its namespaces are retired, and then go.
        made.hold(state="retired")
        fleet.site("-e", "tenancy_prune_namespaces=true").checked()
        left = ("get", "namespaces", "-l", "lodestar.platform/tenant in (opened,closed,free)", "-o", "name")
        eventually(lambda: fleet.kubectl("legacy", *left) == "", 180, 2)


@pytest.mark.proves(
    "tenants.isolation=namespace",
    "tenants.isolation=none",
    "tenants.network.allow_api_server",
    "tenants.network.allow_dns",
    "tenants.network.allow_ingress",
    "tenants.network.allow_monitoring",
    "tenants.network.egress.ports",
    "tenants.network.egress.to",
    "tenants.network.ingress.from",
    "tenants.network.ingress.ports",
    "tenant_settings.api_server.cidr",
    "tenant_settings.api_server.port",
    "tenant_settings.ingress_namespaces",
    "tenant_settings.monitoring_namespaces",
)
def test_each_switch_lets_through_what_it_says(switches: Switches, bar: Bar) -> None:
    fleet = switches.fleet
    servers = {name: pod("server", name, nodeName="l2") for name in ("opened-a", "closed", "free")}
    for server in servers.values():
        create(fleet, "legacy", server)
    address = {name: eventually(lambda obj=obj: status(fleet, obj).get("podIP"), 90) for name, obj in servers.items()}
    kubelet, api = f"{fleet.address('l2')}:10250", "kubernetes.default.svc.cluster.local"
    service = str(fleet.get("legacy", "service", "kubernetes", "-n", "default")["spec"]["clusterIP"])
    opened, closed = f"{address['opened-a']}:8080", f"{address['closed']}:8080"
    reached = [
        client("own-namespace", "opened-a", "dial", opened),
        client("ingress", "edge", "dial", opened),
        client("declared", "partner", "dial", opened),
        client("api-server", "opened-a", "dial", f"{service}:443"),
        client("egress", "opened-a", "dial", kubelet),
        client("dns", "opened-a", "resolve", api),
        client("monitoring", "metrics", "dial", closed),
        client("not-isolated", "elsewhere", "dial", f"{address['free']}:8080"),
        client("not-isolated", "free", "dial", kubelet),
    ]
    kept_out = [
        persistent("other-namespace", "opened-b", "dial", opened),
        persistent("not-switched-on", "metrics", "dial", opened),
        persistent("anybody", "elsewhere", "dial", opened),
        persistent("not-switched-on", "edge", "dial", closed),
        persistent("api-server", "closed", "dial", f"{service}:443"),
        persistent("egress", "closed", "dial", kubelet),
        persistent("dns", "closed", "resolve", api),
    ]
    for obj in (*reached, *kept_out):
        create(fleet, "legacy", obj)
    for obj in reached:
        eventually(lambda obj=obj: status(fleet, obj)["phase"] == "Succeeded", 240, 2)
    for obj in kept_out:
        eventually(lambda obj=obj: fails(fleet, obj), 300, 2)
    bar("network switches of tenants, between real pods", f"{len(reached)} ways reached, {len(kept_out)} kept out")
