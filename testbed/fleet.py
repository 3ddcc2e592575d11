# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet: its network, its machines and what others need to know of them."""

from __future__ import annotations

import json
import shutil
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

import docker
import docker.types
from docker.models.containers import Container
from docker.models.networks import Network

from . import engine, image, machine, rules, subnets
from .apt import ensure_programs
from .definition import Definition
from .errors import TestbedError
from .host import Host
from .locks import locked, write_if_changed
from .names import LABEL_FLEET, LABEL_MACHINE, FleetName
from .ssh import USER, Ssh, control_directory

#: Says that a state directory was made here and may be removed by ``down``.
MARKER = ".lodestar-testbed"


def describe(name: FleetName, definition: Definition, subnet: IPv4Network, ssh: Ssh) -> dict[str, t.Any]:
    """What inventories and tests read of a fleet, as the file ``fleet.json`` in its state directory says it. Pure."""
    return {
        "schema": 1,
        "fleet": name.fleet,
        "id": name.id,
        "network": {"name": name.network, "subnet": str(subnet), "gateway": _gateway(subnet), "interface": "eth0"},
        "machines": {
            item: {"address": definition.address(item, subnet), "container": name.container(item)}
            for item in definition.machines
        },
        "addresses": {item: definition.address(item, subnet) for item in definition.addresses},
        "ssh": {
            "user": USER,
            "private_key": str(ssh.private_key),
            "known_hosts": str(ssh.known_hosts),
            "control_path_dir": str(ssh.control),
        },
    }


def _gateway(subnet: IPv4Network) -> str:
    return str(subnet.network_address + 1)


@dataclass
class Fleet:
    """A fleet of this checkout, whether it exists or not."""

    name: FleetName
    state: Path
    say: t.Callable[[str], None]
    host: Host = field(default_factory=Host)

    @property
    def ssh(self) -> Ssh:
        """Its keys and connections."""
        return Ssh(self.state, control_directory(self.name.id))

    # --- the whole fleet -------------------------------------------------------------------------------------------

    def up(self, definition: Definition, pool: str = subnets.POOL) -> None:
        """Makes what is missing, starts what is stopped, and waits until SSH answers everywhere."""
        ensure_programs({"ssh": "openssh-client", "ssh-keygen": "openssh-client", "ip": "iproute2"}, self.say)
        client = engine.ensure(self.say)
        with self._locked():
            with locked("image") as lock:
                reference = image.ensure(client, self.say, lock)
            network = self._network(client, pool)
            public_key = self._prepare_state()
            blueprints = self._blueprints(definition, network, reference, public_key)
            self._refuse_strangers(client, blueprints)
            with ThreadPoolExecutor(max_workers=4) as workers:
                list(workers.map(lambda plan: self._ensure_machine(client, plan), blueprints.values()))
            self._publish(client, definition, network)
        self.ssh.wait({name: plan.address for name, plan in blueprints.items()})
        self.say(f"fleet {self.name.id}: {len(blueprints)} machines answer on {_subnet(network)}")

    def down(self) -> None:
        """Removes the fleet and what it kept, and restores the host's settings when it was the last."""
        client = engine.connect()
        if client is None and shutil.which("dockerd"):
            # Containers of a daemon that is stopped are still there.
            client = engine.ensure(self.say)
        with self._locked():
            self.ssh.forget_connections()
            shutil.rmtree(self.ssh.control, ignore_errors=True)
            present: list[str] = []
            if client is not None:
                self._remove_machines(client)
                present = self._remove_network(client)
            with locked("host"):
                self.host.leave(self.name.id, present, self.say)
            self._remove_state()

    def status(self) -> list[dict[str, str]]:
        """One row a machine: name, state (of the container), address."""
        client = engine.connect()
        if client is None:
            return []
        rows = []
        for name, container in sorted(machine.find(client, self.name.id).items()):
            settings = container.attrs["NetworkSettings"]["Networks"].get(self.name.network, {})
            address = (settings.get("IPAMConfig") or {}).get("IPv4Address", "")
            rows.append({"machine": name, "state": container.status, "address": address})
        return rows

    # --- one machine -----------------------------------------------------------------------------------------------

    def container(self, name: str) -> Container:
        """The container of a machine. Raises TestbedError when there is none."""
        client = engine.connect()
        found = machine.find(client, self.name.id) if client else {}
        if name not in found:
            raise TestbedError(
                f"fleet {self.name.id} has no machine {name!r}; it has {', '.join(sorted(found)) or 'none'}"
            )
        return found[name]

    def kill(self, names: t.Sequence[str]) -> None:
        """Cuts the power of machines, all at once. Their disks stay."""
        containers = [self.container(name) for name in names]
        with ThreadPoolExecutor(max_workers=max(1, len(containers))) as workers:
            list(workers.map(machine.kill, containers))
        machines = self.description()["machines"]
        for name in names:
            self.ssh.forget_connections(machines[name]["address"])
            self.say(f"{name}: power cut")

    def start(self, names: t.Sequence[str]) -> None:
        """Powers machines on, and waits until they answer."""
        stopped = [container for name in names if (container := self.container(name)).status != "running"]
        with ThreadPoolExecutor(max_workers=max(1, len(stopped))) as workers:
            list(workers.map(lambda container: container.start(), stopped))
        for container in stopped:
            self.say(f"{container.labels[LABEL_MACHINE]}: started")
        self._wait_for(names)

    def power_cycle(self, names: t.Sequence[str]) -> None:
        """Cuts the power of machines, and powers them on again."""
        self.kill(names)
        self.start(names)

    def reimage(self, names: t.Sequence[str]) -> None:
        """Replaces machines by empty ones of the same names and addresses. They have other SSH host keys."""
        for name in names:
            self._reimage(name)
        self._wait_for(names)

    def _reimage(self, name: str) -> None:
        client = engine.ensure(self.say)
        with self._locked():
            description = self.description()
            item = description["machines"].get(name)
            if item is None:
                raise TestbedError(
                    f"fleet {self.name.id} has no machine {name!r}; it has {', '.join(description['machines'])}"
                )
            with locked("image") as lock:
                reference = image.ensure(client, self.say, lock)
            plan = self._blueprint(name, item["address"], description["network"], reference, self._public_key())
            old = machine.find(client, self.name.id, name).get(name)
            if old is not None:
                old.remove(v=True, force=True)
            self.ssh.forget_connections(plan.address)
            machine.create(client, plan).start()
            self._record_host_keys(client)
        self.say(f"{name}: replaced by an empty machine")

    def description(self) -> dict[str, t.Any]:
        """The content of ``fleet.json``. Raises TestbedError when the fleet is not up."""
        try:
            return t.cast(dict[str, t.Any], json.loads((self.state / "fleet.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise TestbedError(
                f"fleet {self.name.id} is not up (no {self.state / 'fleet.json'}); run 'up' first"
            ) from None

    # --- parts -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> t.Iterator[None]:
        with locked(f"fleet-{self.name.id}"):
            yield

    def _network(self, client: docker.DockerClient, pool: str) -> Network:
        # Under the host's lock from the choice of a subnet until Docker has it, so that no two fleets choose the same.
        with locked("host"):
            existing = client.networks.list(names=[f"^{self.name.network}$"])
            if existing:
                network = existing[0]
            else:
                taken = [*subnets.used_by_host(), *_docker_subnets(client)]
                subnet = subnets.choose(pool, taken)
                pools = [docker.types.IPAMPool(subnet=str(subnet), gateway=_gateway(subnet))]
                network = client.networks.create(
                    self.name.network,
                    driver="bridge",
                    internal=True,
                    ipam=docker.types.IPAMConfig(pool_configs=pools),
                    labels={LABEL_FLEET: self.name.id},
                )
                network.reload()
                self.say(f"network {self.name.network}: {subnet}, closed to the outside")
            self.host.join(self.name.id, str(_subnet(network)), self.say)
            rules.ensure(rules.bridge(str(network.id)))
            return network

    def _prepare_state(self) -> str:
        if self.state.exists() and not (self.state / MARKER).exists() and any(self.state.iterdir()):
            raise TestbedError(
                f"{self.state} holds files that are not the testbed's; name another directory with --state"
            )
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.state / MARKER).touch()
        self.ssh.ensure_control_directory()
        return self._public_key()

    def _public_key(self) -> str:
        return self.ssh.ensure_key(f"lodestar-testbed {self.name.id}")

    def _blueprints(
        self, definition: Definition, network: Network, reference: str, public_key: str
    ) -> dict[str, machine.Blueprint]:
        described = describe(self.name, definition, _subnet(network), self.ssh)
        return {
            name: self._blueprint(name, item["address"], described["network"], reference, public_key)
            for name, item in described["machines"].items()
        }

    def _blueprint(
        self, name: str, address: str, network: t.Mapping[str, str], reference: str, public_key: str
    ) -> machine.Blueprint:
        return machine.Blueprint(
            machine=name,
            container=self.name.container(name),
            fleet_id=self.name.id,
            network=network["name"],
            address=address,
            gateway=network["gateway"],
            image=reference,
            public_key=public_key,
        )

    def _refuse_strangers(self, client: docker.DockerClient, blueprints: t.Mapping[str, machine.Blueprint]) -> None:
        rows = {row["machine"]: row["address"] for row in self.status()}
        for name, address in rows.items():
            if name not in blueprints:
                raise TestbedError(f"machine {name} is not in the definition any more; take the fleet down first")
            if address and address != blueprints[name].address:
                raise TestbedError(
                    f"machine {name} has {address}, not {blueprints[name].address}; take the fleet down first"
                )

    def _ensure_machine(self, client: docker.DockerClient, plan: machine.Blueprint) -> None:
        container = machine.find(client, self.name.id, plan.machine).get(plan.machine)
        if container is not None and container.status == "created":
            # A call that was killed made it, perhaps without its key.
            container.remove(v=True, force=True)
            container = None
        if container is None:
            container = machine.create(client, plan)
            self.say(f"{plan.machine}: created, {plan.address}")
        if container.status != "running":
            container.start()
            self.say(f"{plan.machine}: started")

    def _publish(self, client: docker.DockerClient, definition: Definition, network: Network) -> None:
        self._record_host_keys(client)
        described = describe(self.name, definition, _subnet(network), self.ssh)
        write_if_changed(self.state / "fleet.json", json.dumps(described, indent=2) + "\n")

    def _record_host_keys(self, client: docker.DockerClient) -> None:
        rows = {row["machine"]: row["address"] for row in self.status() if row["state"] == "running"}
        containers = machine.find(client, self.name.id)
        keys = {address: machine.host_keys(containers[name]) for name, address in rows.items()}
        # A machine that is switched off keeps the keys that it had.
        self.ssh.record_host_keys({**self.ssh.recorded(), **keys})

    def _wait_for(self, names: t.Sequence[str]) -> None:
        machines = self.description()["machines"]
        self.ssh.wait({name: machines[name]["address"] for name in names})

    def _remove_machines(self, client: docker.DockerClient) -> None:
        containers = machine.find(client, self.name.id)
        with ThreadPoolExecutor(max_workers=4) as workers:
            list(workers.map(lambda container: container.remove(v=True, force=True), containers.values()))
        for name in sorted(containers):
            self.say(f"{name}: removed")

    def _remove_network(self, client: docker.DockerClient) -> list[str]:
        """Removes the fleet's network. Returns the ids of the fleets that have one."""
        with locked("host"):
            for network in client.networks.list(filters={"label": f"{LABEL_FLEET}={self.name.id}"}):
                rules.remove(rules.bridge(str(network.id)))
                network.remove()
                self.say(f"network {network.name}: removed")
            rules.remove(None)
            others = client.networks.list(filters={"label": LABEL_FLEET})
            return [network.attrs["Labels"][LABEL_FLEET] for network in others]

    def _remove_state(self) -> None:
        if not self.state.exists():
            return
        if not (self.state / MARKER).exists():
            self.say(f"{self.state}: not made by the testbed, left alone")
            return
        shutil.rmtree(self.state)
        self.say(f"{self.state}: removed")


def _subnet(network: Network) -> IPv4Network:
    return IPv4Network(network.attrs["IPAM"]["Config"][0]["Subnet"])


def _docker_subnets(client: docker.DockerClient) -> list[IPv4Network]:
    items = [
        item for network in client.networks.list() for item in (network.attrs.get("IPAM") or {}).get("Config") or []
    ]
    return [IPv4Network(item["Subnet"]) for item in items if ":" not in item.get("Subnet", ":")]
