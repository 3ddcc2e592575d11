# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real hub with many members, real and simulated ones, and runs of ansible-playbook over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import ApplySet, kinds_of
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.observed import serving

from ..integration.fleet.conftest import LODESTAR, opened, run
from ..integration.fleet.plays import changed_on, recap
from ..integration.harness.apiserver import ApiServer
from ..integration.harness.simulated import Recording, Simulated

ROOT = Path(__file__).resolve().parents[2]
#: Label of the clusters by which a run chooses its part of the fleet.
KIND = "bench"
#: By these arguments a cluster that has nothing to do is asked by each task on its own all the same.
UNSETTLED = ("-e", json.dumps({"access_leave_settled": False}))
_NODES = 3
Object = dict[str, t.Any]


@dataclass(frozen=True)
class Done:
    """A run that has ended.

    :param mib: MiB of memory of the largest process.
    :param asked: requests to the hub.
    """

    seconds: float
    mib: float
    asked: int
    code: int
    said: str

    def recap(self) -> dict[str, dict[str, int]]:
        """By host the counts of Ansible's recap."""
        return recap(self.said.partition("PLAY RECAP")[2])

    def changed_on(self, cluster: str) -> int:
        """How many tasks changed something on a cluster that the run has reached."""
        return changed_on(self.said, cluster)

    def checked(self) -> Done:
        """Itself.

        :raises AssertionError: it has failed.
        """
        assert self.code == 0, self.said[-6000:]
        return self


class Hub:
    """The hub, its records, and inventories of its members.

    :param server: the hub's API server, with no member yet.
    :ivar lists: the platform-wide lists of the inventories, and other variables of all hosts.
    :ivar variables: of each member besides its way in.
    """

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.access = {key: value for key, value in opened(server).items() if key != "expires"}
        self.kinds: dict[str, str] = {}
        self.lists: dict[str, t.Any] = {}
        self.variables: Object = {}
        self._kubeconfigs: dict[str, str] = {}

    def declare(self, kind: str, name: str, kubeconfig: Object | None = None) -> None:
        """Puts a cluster into the inventory. Without a kubeconfig there is a path that cannot be read."""
        self.kinds[name] = kind
        self._kubeconfigs[name] = str(self.folder / f"{name}.kubeconfig")
        if kubeconfig is not None:
            path = Path(self._kubeconfigs[name])
            path.touch(mode=0o600)
            path.write_text(json.dumps(kubeconfig))

    def take_in(self, cluster: Simulated, like: access_secret.Stored) -> None:
        """Leaves on the hub what an attachment of a simulated cluster would leave, by the product's own code.

        :param like: the access to the recorded cluster, of which tier, rights and times are taken.
        """
        stored = access_secret.Stored(
            cluster=cluster.name,
            server=cluster.url,
            ca_data=cluster.ca_data,
            token=cluster.token,
            uid=cluster.uid,
            expires=like.expires,
            lifetime=like.lifetime,
            tier=like.tier,
            rights=like.rights,
        )
        with Client(self.server.admin) as client:
            client.apply(namespace(cluster.name))
            client.apply(access_secret.to_secret(stored))
        labels = {KIND: "simulated"}
        given: Object = {"mode": "attach", "cluster_labels": labels, "tier": like.tier, "access": stored.access}
        done = run(RECORD, cluster=cluster.name, hub_access=self.access, **given)
        assert not done.get("failed"), done["msg"]
        self.declare("simulated", cluster.name)

    def stored(self, name: str) -> access_secret.Stored:
        """The access that the hub keeps for a cluster."""
        with Client(self.server.admin) as client:
            found = access_secret.from_secret(name, client.get("v1", "Secret", access_secret.secret_name(name), name))
        assert found is not None, name
        return found

    def attach(self, names: t.Sequence[str], *arguments: str) -> Done:
        """lodestar.platform.attach, with an inventory of these clusters."""
        return self.play(["attach"], names, *arguments)

    def play(self, playbooks: t.Sequence[str], names: t.Sequence[str], *arguments: str) -> Done:
        """Playbooks of the collection in one run, with an inventory of these clusters."""
        inventory = self._write("hosts.yml", self._inventory(names))
        return self._playbook("-i", inventory, *(f"lodestar.platform.{name}" for name in playbooks), *arguments)

    def info(self, kind: str, live: bool, count: int, silent: t.Sequence[str] = ()) -> Done:
        """A playbook that asks fleet_info, and asserts what it says.

        :param kind: of the clusters that are asked for, and ``count`` how many there must be.
        :param silent: those that do not answer; all others must be well.
        """
        ask = {"access": "{{ hub_access }}", "label_selector": f"{KIND}={kind}", "live": live}
        found = "info.clusters | rejectattr('live.state', 'eq', 'usable') | map(attribute='name') | list"
        conditions = [
            f"info.clusters | length == {count}",
            f"info.problems | length == {len(silent) if live else 0}",
            *([f"{found} == {list(silent)!r}"] if live else []),
        ]
        tasks = [
            {"name": "Ask", "lodestar.platform.fleet_info": ask, "register": "info"},
            {"name": "Check", "ansible.builtin.assert": {"that": conditions}},
        ]
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        variables = self._write("vars.json", {"hub_access": self.access})
        return self._playbook("-i", "localhost,", "-c", "local", "-e", f"@{variables}", self._write("info.yml", play))

    def _inventory(self, names: t.Sequence[str]) -> Object:
        hub = {"cluster_role": "global", "kubernetes_version": "1.36.3", "endpoint": {"address": "192.0.2.10"}}
        members = {
            name: {
                "cluster_mode": "attach",
                "cluster_labels": {KIND: self.kinds[name]},
                "kubeconfig": self._kubeconfigs[name],
                "kubeconfig_allow": ["files"],
                **self.variables,
            }
            for name in names
        }
        # The hub has been reached already: its machines, which nobody has made, are not asked for the access to it.
        own = {"ansible_connection": "local", "lodestar_hub_access": self.access}
        machines = {"hub_control_plane": {"hosts": {"h1": {"ansible_host": "192.0.2.11"}}}}
        return {
            "all": {"vars": {"platform_addons": [{"name": "metrics-server", "state": "absent"}], **self.lists}},
            "clusters": {"vars": own, "hosts": {"hub": hub, **members}},
            "machines": {"children": {"hub_machines": {"children": machines}}},
        }

    def _write(self, name: str, content: t.Any) -> str:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False))
        return str(path)

    def _playbook(self, *arguments: str) -> Done:
        figures = self.folder / "figures.json"
        measured = [sys.executable, "-S", "-E", str(Path(__file__).with_name("measured.py")), str(figures)]
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *arguments]
        environ = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "NO_COLOR": "1",
        }
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        mark = self.server.audit.mark()
        done = subprocess.run([*measured, *command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        figure = json.loads(figures.read_text())
        asked = len(self.server.audit.since(mark, LODESTAR))
        return Done(figure["seconds"], figure["kib"] / 1024, asked, done.returncode, done.stdout + done.stderr)


def declared() -> dict[str, list[Object]]:
    """Tenants and policies that are a hundred objects on every cluster: ten times seven, and ten times three."""
    limits = {"default": {"cpu": "1", "memory": "1Gi"}, "default_request": {"cpu": "100m", "memory": "64Mi"}}
    tenants = [
        {
            "name": f"team-{index}",
            "namespaces": [f"team-{index}"],
            "members": [{"kind": "Group", "name": f"team-{index}", "role": "developer"}],
            "quota": {"pods": "10"},
            "limits": limits,
        }
        for index in range(10)
    ]
    rule = {"rule": "required_labels", "mode": "audit"}
    policies = [{**rule, "name": f"label-{index}", "parameters": {"labels": [f"label-{index}"]}} for index in range(10)]
    return {"tenants": tenants, "policies": policies}


def held(server: ApiServer) -> int:
    """How many objects of tenants and policies a cluster holds."""
    count = 0
    with Client(server.admin) as admin:
        for name in ("tenancy", "policy"):
            applyset = ApplySet(name)
            kinds = kinds_of(admin.get("v1", "ConfigMap", applyset.parent_name, applyset.namespace))
            found = [serving(admin, kind) for kind in kinds]
            count += sum(len(admin.list(*kind, label_selector=applyset.selector)) for kind in found if kind is not None)
    return count


def namespace(name: str) -> Object:
    """The namespace of a member on the hub."""
    labels = {"lodestar.platform/cluster": name, "open-cluster-management.io/cluster-name": name}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def furnish(server: ApiServer) -> None:
    """Gives a real cluster three Nodes that are Ready."""
    sizes = {"cpu": "4", "memory": "16384Mi", "ephemeral-storage": "100Gi", "pods": "110"}
    with Client(server.admin) as admin:
        for index in range(_NODES):
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{index}"}}
            admin.create(node)
            ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "as told"}
            status = {"conditions": [ready], "capacity": sizes, "allocatable": sizes}
            admin.apply({**node, "status": status}, subresource="status")


def record(hub: Hub, name: str, server: ApiServer) -> Recording:
    """What a real member answers to an unchanged attachment, in one look and task by task, and to fleet_info."""
    stored, mark = hub.stored(name), server.audit.mark()
    hub.attach([name]).checked()
    hub.attach([name], *UNSETTLED).checked()
    hub.info("real", True, len([kind for kind in hub.kinds.values() if kind == "real"])).checked()
    return Recording.make(name, stored.uid, stored.connection, server.audit.since(mark, LODESTAR))
