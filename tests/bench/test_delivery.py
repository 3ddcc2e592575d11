# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Twenty sets on fifty simulated clusters, nothing to do: one run of the playbooks placement and delivery against as
many calls of ``kubectl apply --server-side`` as there are sets and clusters.

Every set has a Placement of its own, which OCM's controller has decided and stands beside. Each simulated cluster says
what a real one said that holds the same sets. kubectl is run once for every set against that real one, in a warm
state; what fifty clusters would take is that times fifty, for calls one after the other and for as many at once as
there are cores.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.placement.operate import OPERATION as PLACE
from ansible_collections.lodestar.platform.plugins.module_utils.placement.render import NAMESPACE

from tests.conftest import Bar

from ..integration.fleet.conftest import LODESTAR, run
from ..integration.harness.apiserver import ApiServer
from ..integration.harness.programs import programs
from ..integration.harness.simulated import Recording, Simulated, SimulatedFleet
from ..integration.placement.conftest import SET
from ..integration.placement.oracle import controlling
from .fleets import KIND, UNSETTLED, Done, Hub, Object, furnish

pytestmark = pytest.mark.timeout(1800)
QUICK = "QUICK" in os.environ
SETS, CLUSTERS = (4, 10) if QUICK else (20, 50)
ROUNDS = 1 if QUICK else 5
GRANTS = {"resources": ["configmaps", "services", "deployments.apps"]}
REAL = "real-000"


def content(name: str) -> list[Object]:
    """An application of five objects."""
    labels = {"app": "web"}

    def made(api_version: str, kind: str, called: str, **parts: t.Any) -> Object:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": called, "namespace": name}, **parts}

    container = {
        "name": "web",
        "image": "registry.example.org/web:1.2.3",
        "ports": [{"containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        made("v1", "ConfigMap", "settings", data={"MODE": "plain", "LEVEL": "info"}),
        made("v1", "ConfigMap", "pages", data={"index.html": "<p>It works.</p>\n" * 20}),
        made("v1", "Service", "web", spec={"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}),
        made("apps/v1", "Deployment", "web", spec=spec),
    ]


def deliveries(placed: bool) -> list[Object]:
    """The sets: each by a Placement of its own, or by name on the real cluster."""
    names = [f"app-{index:02}" for index in range(SETS)]
    return [
        {
            "name": name,
            "objects": content(name),
            **({"placement": {"namespace": NAMESPACE, "name": name}} if placed else {"clusters": {"names": [REAL]}}),
        }
        for name in names
    ]


def placements() -> list[Object]:
    """Every simulated cluster, decided once for each set."""
    chosen = {"requiredClusterSelector": {"labelSelector": {"matchLabels": {KIND: "simulated"}}}}
    predicates = [chosen]
    return [
        {"name": item["name"], "clusterSets": ["default"], "predicates": predicates} for item in deliveries(placed=True)
    ]


@dataclass
class World:
    """The hub with its controller, the real member, and the simulated ones."""

    hub: Hub
    real: ApiServer
    fleet: SimulatedFleet
    names: list[str]

    def deliver(self, *more: str) -> Done:
        """One run of both playbooks, which must succeed, over the simulated members and these."""
        return self.hub.play(["placement", "delivery"], [*more, *self.names]).checked()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    tools = programs(tmp_path_factory.mktemp("programs"))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ApiServer(tmp_path_factory.mktemp("hub"), tools))
        real = stack.enter_context(ApiServer(tmp_path_factory.mktemp(REAL), tools))
        hub = Hub(server, tmp_path_factory.mktemp("run"))
        furnish(real)
        hub.variables = {"cluster_access": {"tier": "tenant", "grants": GRANTS}}
        hub.declare("real", REAL, real.kubeconfig())
        hub.attach([REAL]).checked()
        recording = record(hub, real)
        token = hub.stored(REAL).token
        clusters = [Simulated(f"sim-{index:03}", token[:-4] + f"{index:04}") for index in range(CLUSTERS)]
        fleet = stack.enter_context(SimulatedFleet(recording, clusters))
        like = hub.stored(REAL)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda cluster: hub.take_in(cluster, like), clusters))
        stack.enter_context(deciding(hub))
        yield World(hub, real, fleet, list(fleet.clusters))


def record(hub: Hub, real: ApiServer) -> Recording:
    """What the real member answers when all sets are on it, their workloads are ready, and nothing is to be done."""
    hub.lists = {"deliveries": [{**item, "wait": False} for item in deliveries(placed=False)]}
    hub.play(["delivery"], [REAL]).checked()
    with Client(real.admin) as admin:
        for there in admin.list("apps/v1", "Deployment"):
            metadata = there["metadata"]
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 2)
            status = {"observedGeneration": metadata["generation"], **counts}
            path = f"/apis/apps/v1/namespaces/{metadata['namespace']}/deployments/{metadata['name']}/status"
            kind = "application/merge-patch+json"
            admin.request("PATCH", path, body={"status": status}, content_type=kind)
    hub.lists = {"deliveries": deliveries(placed=False)}
    mark = real.audit.mark()
    hub.play(["placement", "delivery"], [REAL]).checked()
    hub.attach([REAL], *UNSETTLED).checked()  # Its questions are those by which the hub records a simulated one.
    stored = hub.stored(REAL)
    return Recording.make(REAL, stored.uid, stored.connection, real.audit.since(mark, LODESTAR))


@contextlib.contextmanager
def deciding(hub: Hub) -> t.Iterator[None]:
    """OCM's controller runs, and the placements are the declared ones."""
    image = {"controller_image": "registry.example.org/placement:v1"}
    made = run(PLACE, cluster="hub", access=hub.access, placements=[], **image)
    assert not made.get("failed"), made["msg"]
    with Client(hub.server.admin) as admin:
        admin.apply(SET)
    hub.lists = {
        "placements": placements(),
        "deliveries": deliveries(placed=True),
        **{f"placement_{key}": value for key, value in image.items()},
    }
    with controlling(hub.server):
        yield


class Kubectl:
    """kubectl against the real cluster, a call a set."""

    def __init__(self, server: ApiServer, program: Path, folder: Path) -> None:
        config = server.kubeconfig()
        ca = folder / "ca.pem"
        ca.write_text(server.runner.ca_data or "")
        config["clusters"][0]["cluster"] = {"server": server.url, "certificate-authority": str(ca)}
        self._kubeconfig = folder / "kubeconfig"
        self._kubeconfig.touch(mode=0o600)
        self._kubeconfig.write_text(json.dumps(config))
        self._program, self._folder = program, folder
        self._files = []
        for index in range(SETS):
            file = folder / f"{index}.json"
            file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": content(f"kubectl-{index:02}")}))
            self._files.append(file)

    def seconds(self, at_once: int) -> float:
        """How long a call for every set takes, so many at the same time."""
        begin = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self._apply, self._files))
        return time.perf_counter() - begin

    def _apply(self, file: Path) -> None:
        command = ["kubectl", "apply", "--server-side", "-f", str(file), "--kubeconfig", str(self._kubeconfig)]
        subprocess.run(
            command, executable=self._program, env={"HOME": str(self._folder)}, check=True, capture_output=True
        )


def unchanged(world: World) -> tuple[Done, int]:
    """A run that has nothing to do, and how many requests the clusters got, all of them reads they know."""
    world.fleet.report()
    mark = world.hub.server.audit.mark()
    done = world.deliver()
    assert {counts["changed"] for counts in done.recap().values()} == {0}
    assert not [one for one in world.hub.server.audit.since(mark, LODESTAR) if one.writes]
    report = world.fleet.report()
    wrong = {name: found for name, found in report.items() if found["unrecorded"] or found.get("unauthorized")}
    assert wrong == {}
    assert all(found["requests"] for found in report.values())
    assert done.said.count(f" on {CLUSTERS} clusters: unchanged") == SETS, done.said[-3000:]
    return done, sum(found["requests"] for found in report.values())


def test_unchanged_deliveries(world: World, bar: Bar, tmp_path: Path) -> None:
    first = world.deliver(REAL)
    # The hub records where they are; nothing is written anywhere else.
    assert first.recap()["hub"]["changed"] >= 1
    with world.real.frozen():
        runs = [unchanged(world) for _round in range(ROUNDS)]
    seconds = statistics.median(done.seconds for done, _asked in runs)
    mib = max(done.mib for done, _asked in runs)
    requests = max(asked for _done, asked in runs)
    kubectl = Kubectl(world.real, programs(tmp_path)["kubectl"], tmp_path)
    kubectl.seconds(1)  # Its discovery is cached and its objects are there from here on.
    cores = os.cpu_count() or 1
    theirs = {at_once: statistics.median(kubectl.seconds(at_once) for _round in range(3)) for at_once in (1, cores)}
    what = f"placement and delivery of {SETS} sets x {CLUSTERS} simulated clusters, unchanged"
    figures = (
        f"{seconds:.1f} s, {mib:.0f} MiB, requests: {requests / CLUSTERS:.1f} a cluster, "
        f"{max(done.asked for done, _asked in runs)} to the hub"
    )
    print(f"\n{what}: {figures} ({', '.join(f'{done.seconds:.2f}' for done, _asked in runs)})")
    bar(f"{what} (goal: at most 5 s)", figures, seconds <= 5)
    for at_once, taken in theirs.items():
        whole = taken * CLUSTERS
        ratio = whole / seconds
        said = f"{ratio:.0f} times ({SETS} calls took {taken:.1f} s, so {SETS * CLUSTERS} would take {whole:.0f} s)"
        way = "one after the other" if at_once == 1 else f"{at_once} at once"
        print(f"kubectl apply --server-side, {way}: {said}")
        # The goal is about calls; a script that makes several at once is told as well.
        goal = " (goal >= 20)" if at_once == 1 else ""
        bar(f"{what}: faster than as many kubectl calls, {way}{goal}", said, not goal or ratio >= 20)
    # A few sets say nothing: what a run costs by itself is most of it then.
    assert QUICK or theirs[1] * CLUSTERS > seconds
