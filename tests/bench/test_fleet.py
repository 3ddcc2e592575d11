# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a fleet grows: fleet_info and an unchanged attach of 12 real API servers beside 12 simulated ones, then of 100
and 500 simulated ones, and of 100 of which one takes connections and answers nothing. Each of them holds a hundred
objects of tenants and policies.

Seconds are those of a whole run of ansible-playbook, memory is that of its largest process. Member by member, a
simulated one says what a real one said in this very run; anything else that is asked of it fails the bench.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_info

from tests.conftest import Bar

from ..integration.fleet.conftest import LODESTAR
from ..integration.harness.apiserver import ApiServer
from ..integration.harness.programs import programs
from ..integration.harness.simulated import Simulated, SimulatedFleet
from .fleets import Done, Hub, declared, furnish, held, record

pytestmark = pytest.mark.timeout(1800)
QUICK = "QUICK" in os.environ
FEW, MANY, MOST = (2, 10, 30) if QUICK else (12, 100, 500)
ROUNDS = 1 if QUICK else 3
OBJECTS = 100
#: What is measured, and the deadline within which it hears of a cluster that does not answer.
OPERATIONS = {"fleet_info": None, "fleet_info live": 10.0, "unchanged attach": access_info.DEADLINE}


@dataclass
class World:
    """A hub, real members, and simulated ones of which more and more are taken in."""

    hub: Hub
    reals: dict[str, ApiServer]
    fleet: SimulatedFleet
    recorded: str
    many: dict[str, Figures] = field(default_factory=dict)

    def simulated(self, count: int) -> list[str]:
        """The names of the first simulated members, which the hub then has, and no other simulated one."""
        names = list(self.fleet.clusters)[:count]
        like = self.hub.stored(self.recorded)
        missing = [name for name in names if name not in self.hub.kinds]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self.hub.take_in(self.fleet.clusters[name], like), missing))
        self.fleet.report()
        return names


@dataclass(frozen=True)
class Figures:
    """Of one operation over ``count`` clusters: the median of its seconds, and the most of all else."""

    count: int
    seconds: float
    mib: float
    hub: float
    member: float

    @property
    def each(self) -> float:
        """Seconds a cluster."""
        return self.seconds / self.count

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s ({self.each:.3f} s a cluster), {self.mib:.0f} MiB, "
            f"requests a cluster: {self.member:.1f} to it, {self.hub:.1f} to the hub"
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    tools = programs(tmp_path_factory.mktemp("programs"))
    with contextlib.ExitStack() as stack:
        hub = Hub(stack.enter_context(ApiServer(tmp_path_factory.mktemp("hub"), tools)), tmp_path_factory.mktemp("run"))
        hub.lists = declared()
        reals = {}
        for index in range(FEW):
            name = f"real-{index:03}"
            reals[name] = stack.enter_context(ApiServer(tmp_path_factory.mktemp(name), tools))
            furnish(reals[name])
            hub.declare("real", name, reals[name].kubeconfig())
        first = hub.attach(list(reals)).checked()
        assert all(first.recap()[name]["changed"] for name in reals)
        assert {held(server) for server in reals.values()} == {OBJECTS}
        recorded = next(iter(reals))
        recording = record(hub, recorded, reals[recorded])
        token = hub.stored(recorded).token
        clusters = [Simulated(f"sim-{index:03}", token[:-4] + f"{index:04}") for index in range(MOST)]
        yield World(hub, reals, stack.enter_context(SimulatedFleet(recording, clusters)), recorded)


@pytest.fixture
def quiet(world: World) -> t.Iterator[World]:
    """The real members take no processor time meanwhile."""
    with contextlib.ExitStack() as stack:
        for server in world.reals.values():
            stack.enter_context(server.frozen())
        yield world


def once(world: World, operation: str, kind: str, names: t.Sequence[str], silent: t.Sequence[str] = ()) -> Done:
    """One run, which must succeed but for what the silent clusters fail."""
    if operation == "unchanged attach":
        done = world.hub.attach(names)
        return done if silent else unchanged(done, names)
    return world.hub.info(kind, operation == "fleet_info live", len(names), silent).checked()


def unchanged(done: Done, names: t.Sequence[str]) -> Done:
    """The run has reached every cluster, and changed nothing."""
    done.checked()
    assert [name for name in names if done.changed_on(name)] == []
    return done


def measure(
    world: World, operation: str, kind: str, names: t.Sequence[str], rounds: int = ROUNDS, silent: t.Sequence[str] = ()
) -> Figures:
    """Several runs of an operation over clusters of a kind."""
    runs, members = [], []
    for _round in range(rounds):
        asked = requests(world, kind)
        runs.append(once(world, operation, kind, names, silent))
        members.append(asked())
    return Figures(
        len(names),
        statistics.median(run.seconds for run in runs),
        max(run.mib for run in runs),
        max(run.asked for run in runs) / len(names),
        max(members) / len(names),
    )


def requests(world: World, kind: str) -> t.Callable[[], int]:
    """Starts to count; the answer ends it, and says how many requests the members of a kind got, all of them reads."""
    if kind == "real":
        marks = {name: server.audit.mark() for name, server in world.reals.items()}

        def seen() -> int:
            found = [one for name, mark in marks.items() for one in world.reals[name].audit.since(mark, LODESTAR)]
            assert not [one for one in found if one.writes]
            return len(found)

        return seen
    world.fleet.report()

    def counted() -> int:
        report = world.fleet.report()
        wrong = {
            name: found
            for name, found in report.items()
            if found["unrecorded"] or found.get("writes") or found.get("unauthorized")
        }
        assert wrong == {}
        return sum(found.get("requests", 0) for found in report.values())

    return counted


def test_simulated_clusters_are_like_real_ones(world: World, bar: Bar) -> None:
    names = {"real": list(world.reals), "simulated": world.simulated(FEW)}
    for operation in OPERATIONS:
        found = {kind: measure(world, operation, kind, names[kind]) for kind in names}
        for kind, figures in found.items():
            print(f"{operation}, {FEW} {kind}: {figures}")
        assert found["real"].member == found["simulated"].member
        assert found["real"].hub == found["simulated"].hub
        ratio = found["real"].each / found["simulated"].each
        bar(f"{operation}, {FEW} real clusters", found["real"])
        bar(f"{operation}, {FEW} simulated clusters", found["simulated"])
        bar(f"{operation}, a real cluster against a simulated one (goal <= 2)", f"{ratio:.2f}", ratio <= 2)


def many(world: World, operation: str) -> Figures:
    """What an operation costs over a hundred simulated clusters. Measured once, while the hub has no more."""
    if operation not in world.many:
        world.many[operation] = measure(world, operation, "simulated", world.simulated(MANY))
        print(f"{operation}, {MANY} simulated: {world.many[operation]}")
    return world.many[operation]


def test_an_unchanged_fleet_is_checked_in_seconds(quiet: World, bar: Bar) -> None:
    figures = many(quiet, "unchanged attach")
    bar(
        f"an unchanged attach of {MANY} simulated clusters of {OBJECTS} objects each (goal: < 15 s, < 1024 MiB)",
        figures,
        figures.seconds < 15 and figures.mib < 1024,
    )


@pytest.mark.parametrize("operation", ["fleet_info live", "unchanged attach"])
def test_a_cluster_that_answers_nothing_costs_its_deadline_once(quiet: World, bar: Bar, operation: str) -> None:
    names, deadline = quiet.simulated(MANY), OPERATIONS[operation]
    silent = names[MANY // 2]
    whole = many(quiet, operation)
    with quiet.fleet.swallowing(silent):
        if operation == "unchanged attach":
            # It notes on the hub that the cluster is silent, once.
            named(once(quiet, operation, "simulated", names, [silent]), names, silent)
        holed = measure(quiet, operation, "simulated", names, silent=[silent])
    if operation == "unchanged attach":
        back = once(quiet, operation, "simulated", names, [silent]).checked()
        assert [name for name in names if back.changed_on(name)] == [silent]
        once(quiet, operation, "simulated", names)
    extra = holed.seconds - whole.seconds
    print(f"{operation}, 1 of {MANY} silent: {holed}, {extra:.1f} s longer")
    goal = f"goal: at most its deadline of {deadline:.0f} s"
    bar(
        f"{operation}, 1 of {MANY} clusters answers nothing, longer than without ({goal})",
        f"{extra:.1f} s",
        extra <= deadline,
    )


def test_growth_is_at_most_linear(quiet: World, bar: Bar) -> None:
    before = {operation: many(quiet, operation) for operation in OPERATIONS}
    names = quiet.simulated(MOST)
    for operation, less in before.items():
        more = measure(quiet, operation, "simulated", names, rounds=1)
        ratio = more.each / less.each
        print(f"{operation}, {MOST} simulated: {more}, a cluster {ratio:.2f} times that of {MANY}")
        for figures in (less, more):
            bar(f"{operation}, {figures.count} simulated clusters", figures)
        bar(f"{operation}, seconds a cluster at {MOST} against {MANY} (goal <= 1.1)", f"{ratio:.2f}", ratio <= 1.1)
        assert more.member <= less.member
        assert more.hub <= less.hub


def named(done: Done, names: t.Sequence[str], silent: str) -> None:
    """The run has failed for the silent cluster alone, and says so."""
    assert done.code != 0
    assert f"1 of {len(names) + 1} clusters with a problem:" in done.said, done.said[-4000:]
    recap = done.recap()
    failed = {host for host, counts in recap.items() if counts["failed"] or counts["unreachable"]}
    assert failed >= {silent}
    assert {host for host in names if host in recap and recap[host]["changed"]} <= {silent}
