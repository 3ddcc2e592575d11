# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a delivery is: typed, read from plain data, every problem named. Pure. Private to the collection.

The shapes are explained for operators in docs/delivery.md.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, Reader, item_key
from ..errors import InvalidInput, Problem
from ..fleet import cluster_choice
from ..fleet.selectors import concerns
from ..kube import adopt
from .chart import Chart, read_chart
from .division import DIVISIONS, Division
from .failover_rule import Rule, read_rule
from .patches import Patch, read_patch, veiled
from .rollout.model import Strategy, read_strategy

KEYS = (
    "name", "description", "src", "objects", "default_namespace", "clusters", "placement", "patches", "replicas",
    "wait", "wait_timeout", "adopt", "force", "prune_limit", "rollout", "chart", "failover",
)  # fmt: skip
#: ``applyset-delivery-<name>`` and ``delivery-<name>`` are names of objects, and of a set at most 50 characters.
LONGEST_NAME = 41
#: Names that begin so are those of the platform's own deliveries (C(addons.py)).
ADDON_PREFIX = "addon-"
_HEAVIEST = 1_000_000
_LONGEST_WAIT = 86400
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_PATH = re.compile(r"[^\x00-\x1f\x7f]+")
_PLACEMENT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Placed:
    """A Placement on the hub, whose decisions say where a delivery goes."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Delivery:
    """A set of objects, and where it goes.

    :param src: files, directories and globs, as the module apply takes them; ``objects`` likewise.
    :param default_namespace: of objects that name none; of a chart, it is that of its release.
    :param item: as it was declared, with the C(clusters) that it names.
    :param placement: whose decisions say where it goes; None where C(clusters) does.
    :param platform: it is an add-on of the platform, which may hold what decides about rights and APIs.
    :param heir_of: sets of ours from which it takes over what it declares, as it stands.
    :param wait: seconds to wait until its workloads are ready on a cluster, None not to wait.
    :param failover: what may happen when a cluster of its placement does not answer.
    :param rollout: how a change comes to its clusters; None where it comes to all of them, and none is kept.
    """

    name: str
    src: tuple[str, ...] = ()
    objects: t.Any = None
    default_namespace: str | None = None
    item: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    placement: Placed | None = None
    patches: tuple[Patch, ...] = ()
    division: Division = field(default_factory=Division)
    wait: int | None = 300
    adopt: frozenset[str] = frozenset()
    force: bool = False
    prune_limit: int = 50
    platform: bool = False
    heir_of: tuple[str, ...] = ()
    rollout: Strategy | None = None
    chart: Chart | None = None
    failover: Rule = field(default_factory=Rule)

    @property
    def patience(self) -> int | None:
        """Seconds to wait until its workloads are ready on a cluster, None not to wait."""
        deadline = self.rollout.deadline if self.rollout is not None else None
        return self.wait if deadline is None else deadline

    @property
    def set_name(self) -> str:
        """The name of its set on each cluster, and of its record on the hub."""
        return f"delivery-{self.name}"


def validate(deliveries: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Problem]:
    """Every problem of the platform-wide list C(deliveries).

    :param clusters: C(fleet.clusters), by name; without it names of clusters are not compared with the fleet.
    """
    return _read_all(deliveries, clusters)[1]


def read_all(deliveries: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Delivery]:
    """The deliveries of the list, typed and in its order.

    :raises InvalidInput: with every problem.
    """
    found, problems = _read_all(deliveries, clusters)
    if problems:
        raise InvalidInput(problems)
    return found


def _read_all(deliveries: t.Any, clusters: cluster_choice.Clusters | None) -> tuple[list[Delivery], list[Problem]]:
    reader = Reader()
    found: list[Delivery] = []
    for place, item in enumerate(reader.sequence(deliveries, "deliveries")):
        if not isinstance(item, dict):
            found_type = type(item).__name__
            reader.problem(
                f"deliveries[{place}]", found_type, "is not a mapping", "write it with name, src, clusters, ..."
            )
            continue
        key = item_key("deliveries", item, place)
        delivery = read(item, reader, key)
        if delivery.name and delivery.name in {other.name for other in found}:
            reader.problem(f"{key}.name", delivery.name, "is the name of two deliveries", "give each its own name")
        if delivery.name.startswith(ADDON_PREFIX):
            reason = f"names that begin with {ADDON_PREFIX} are those of the platform's add-ons"
            reader.problem(f"{key}.name", delivery.name, reason, "choose another name, or declare platform_addons")
        _check_replicas(delivery, reader, key)
        before = len(reader.problems)
        cluster_choice.check(item.get("clusters"), reader, f"{key}.clusters", clusters, workloads_only=False)
        if clusters is not None and len(reader.problems) == before and delivery.placement is None:
            names = [name for name, cluster in clusters.items() if concerns(item, cluster)]
            _check_weights(delivery, names, reader, key)
        found.append(delivery)
    return found, reader.problems


def read(item: t.Any, reader: Reader, key: str) -> Delivery:
    """An item of C(deliveries). Problems are left with the reader, under ``key``."""
    item = reader.mapping(veiled(item, KEYS), key, KEYS)
    rule = f"{DNS_LABEL_RULE}; that of a delivery has at most {LONGEST_NAME}"
    description = item.get("description", "")
    if not isinstance(description, str):
        reader.problem(f"{key}.description", description, "is not text", "quote it")
    _check_content(item, reader, key)
    name = reader.text(item.get("name"), f"{key}.name", DNS_LABEL, rule, LONGEST_NAME)
    chart = read_chart(item, reader, f"{key}.chart", name)
    return Delivery(
        name=name,
        src=tuple(reader.texts(item.get("src"), f"{key}.src", _PATH, "a path is text of one line", 4096)),
        objects=item.get("objects"),
        default_namespace=_default_namespace(item, chart, reader, key),
        item=item,
        placement=_placement(item, reader, key),
        patches=tuple(
            read_patch(patch, reader, f"{key}.patches[{place}]")
            for place, patch in enumerate(reader.sequence(item.get("patches"), f"{key}.patches"))
        ),
        division=_division(item.get("replicas"), reader, f"{key}.replicas"),
        wait=_wait(item, reader, key),
        adopt=frozenset(_kinds(item.get("adopt"), reader, f"{key}.adopt")),
        force=reader.boolean(item.get("force", False), f"{key}.force"),
        prune_limit=_number(item.get("prune_limit", 50), 0, 100, reader, f"{key}.prune_limit", "a part in percent"),
        rollout=read_strategy(item, reader, f"{key}.rollout"),
        chart=chart,
        failover=read_rule(item.get("failover"), reader, f"{key}.failover", item.get("placement") is not None),
    )


def _check_content(item: t.Mapping[str, t.Any], reader: Reader, key: str) -> None:
    if not item.get("src") and not item.get("objects") and item.get("chart") is None:
        remedy = (
            "give src (files, directories, globs), objects or chart; to take a delivery away, remove it and name it in"
        )
        reader.problem(key, sorted(item), "a delivery says what it brings", f"{remedy} delivery_withdraw")


def _default_namespace(item: t.Mapping[str, t.Any], chart: Chart | None, reader: Reader, key: str) -> str | None:
    value = item.get("default_namespace")
    if chart is not None or value is None:
        return chart.namespace if chart is not None else None
    return reader.text(value, f"{key}.default_namespace", DNS_LABEL, DNS_LABEL_RULE, 63)


def _placement(item: t.Mapping[str, t.Any], reader: Reader, key: str) -> Placed | None:
    value, where = item.get("placement"), f"{key}.placement"
    if value is None:
        return None
    if item.get("clusters") is not None:
        reason = "a delivery says in one way where it goes, and clusters are given, too"
        reader.problem(where, value, reason, "remove one of them")
    part = reader.mapping(value, where, ("namespace", "name"))
    namespace = reader.text(part.get("namespace"), f"{where}.namespace", DNS_LABEL, DNS_LABEL_RULE, 63)
    rule = "the name of a Placement has at most 63 characters out of a-z, 0-9, '-' and '.'"
    return Placed(namespace, reader.text(part.get("name"), f"{where}.name", _PLACEMENT_NAME, rule, 63))


def _division(value: t.Any, reader: Reader, key: str) -> Division:
    part = reader.mapping(value, key, ("division", "weights"))
    way = reader.choice(part.get("division", DIVISIONS[0]), f"{key}.division", DIVISIONS)
    weights = reader.mapping(part.get("weights"), f"{key}.weights")
    if "weights" in part and way != "weighted":
        reader.problem(f"{key}.weights", weights, "is for division: weighted", "remove it, or division: weighted")
    if way == "weighted" and not weights:
        reader.problem(f"{key}.weights", value, "division: weighted needs weights", "give a weight by cluster")
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= _HEAVIEST:
            reason = f"is not a weight: a whole number from 1 to {_HEAVIEST}"
            reader.problem(f"{key}.weights.{name}", weight, reason, "write for example 1 or 3")
    return Division(way, {str(name): weight for name, weight in weights.items()})


def _check_weights(delivery: Delivery, names: t.Sequence[str], reader: Reader, key: str) -> None:
    """Weights are for the clusters of the delivery, all of them."""
    if delivery.division.way != "weighted" or not delivery.division.weights:
        return
    where, weights = f"{key}.replicas.weights", delivery.division.weights
    for name in sorted(set(weights) - set(names)):
        known = ", ".join(sorted(names)) or "none"
        reader.problem(where, name, f"is no cluster that the delivery is for ({known})", "remove it")
    for name in sorted(set(names) - set(weights)):
        reader.problem(where, None, f"say nothing about {name}, which the delivery is for", f"add {name}")


def _check_replicas(delivery: Delivery, reader: Reader, key: str) -> None:
    """Divided replicas add up, so no patch may change those of a single cluster."""
    for place, patch in enumerate(delivery.patches):
        if delivery.division.way != DIVISIONS[0] and patch.changes("spec", "replicas"):
            name = "json_patch" if patch.operations else "patch.spec.replicas"
            where, reason = f"{key}.patches[{place}].{name}", "is divided over the clusters by replicas"
            reader.problem(where, "spec.replicas", reason, "remove it, or replicas")


def _wait(item: t.Mapping[str, t.Any], reader: Reader, key: str) -> int | None:
    wait = reader.boolean(item.get("wait", True), f"{key}.wait")
    where = f"{key}.wait_timeout"
    seconds = _number(item.get("wait_timeout", 300), 1, _LONGEST_WAIT, reader, where, "a number of seconds")
    if not wait and "wait_timeout" in item:
        reader.problem(where, item["wait_timeout"], "is for wait: true", "remove it")
    return seconds if wait else None


def _kinds(value: t.Any, reader: Reader, key: str) -> list[str]:
    rule = f"a kind is written as in the API, like ConfigMap; {adopt.ALL} means every kind"
    return reader.texts(value, key, re.compile(f"{adopt.ALL}|{_KIND.pattern}"), rule, 63)


def _number(value: t.Any, low: int, high: int, reader: Reader, key: str, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        reader.problem(key, value, f"is not {what} from {low} to {high}", "correct it")
        return low
    return value
