# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every cluster gets of the platform, as deliveries: read from C(platform_addons), made for each cluster. Pure.

An add-on that is not declared is as it is by default: on every created cluster, in the bundle's version. Private to the
collection. The shapes are explained for operators in docs/delivery.md.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, field, fields

from ..bundle.catalog import VERSIONS
from ..declaration import Reader, item_key
from ..errors import InvalidInput, Problem
from ..fleet import addon_metrics_server, addons, cluster_choice
from ..fleet.addon import IMAGE_REPOSITORY
from ..fleet.selectors import concerns, tier_of
from ..kube.client import Client
from ..kube.desired import Normal, normalise
from . import model
from .content import Content
from .model import ADDON_PREFIX, Delivery
from .patches import unmatched, veiled

Object = dict[str, t.Any]
Cluster = t.Mapping[str, t.Any]
#: By cluster, the add-ons that it has, where it says so itself.
Names = t.Mapping[str, t.Sequence[str]]

STATES = ("present", "absent")
#: What is declared of an add-on as of any delivery.
_COMMON = tuple(
    key
    for key in model.KEYS
    if key
    not in (
        "src",
        "objects",
        "default_namespace",
        "placement",
        "replicas",
        "chart",
        "rollout",
        "prune_limit",
        "failover",
    )
)
_OWN = ("state", "version", "repository", "replicas")
_MOST_REPLICAS = 10
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_REPOSITORY = re.compile(r"[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?")


@dataclass(frozen=True)
class Settings:
    """What is declared of an add-on, for all of its clusters.

    :param image: its reference.
    :param replicas: None for what fits each cluster.
    :param more: keys of this add-on alone.
    """

    image: str
    replicas: int | None = None
    more: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """An add-on that the platform has.

    :param make: its objects on one cluster.
    :param switches: keys of its own that are true or false.
    """

    name: str
    make: t.Callable[[Settings, Cluster], list[Object]]
    switches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Addon(Delivery):
    """An add-on as a delivery.

    :param make: its objects on one cluster.
    :param absent: it is taken away from all clusters.
    """

    make: t.Callable[[Cluster], list[Object]] = field(default=lambda cluster: [], repr=False)
    absent: bool = False


class AddonContent(Content):
    """What each cluster gets of an add-on."""

    def __init__(self, addon: Addon) -> None:
        super().__init__(addon, Normal(), (), {})
        self._addon = addon

    def of(self, cluster: Cluster, client: Client | None = None) -> Normal:
        """The objects for a cluster, patched.

        :raises InvalidInput: a patch cannot be applied, or has made something of an object that is none.
        """
        return Content(self._addon, normalise(self._addon.make(cluster)), [cluster["name"]], {}).of(cluster)


def _metrics_server(settings: Settings, cluster: Cluster) -> list[Object]:
    machines = [*(cluster.get("control_plane") or ()), *(cluster.get("workers") or ())]
    # Kubelets that ask for no serving certificates have self-signed ones.
    asks = (cluster.get("kubelet_config") or {}).get("serverTLSBootstrap", True)
    insecure = settings.more.get("kubelet_insecure_tls")
    fitting = 1 if len(machines) == 1 else 2
    return addon_metrics_server.objects(
        settings.image, settings.replicas or fitting, not asks if insecure is None else insecure
    )


#: By name, all that there are.
KINDS = {
    addon_metrics_server.NAME: Kind(addon_metrics_server.NAME, _metrics_server, ("kubelet_insecure_tls",)),
}


def validate(items: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Problem]:
    """Every problem of the platform-wide list C(platform_addons).

    :param clusters: C(fleet.clusters), by name.
    """
    return _read_all(items, clusters or {}, {})[1]


def read_all(items: t.Any, clusters: cluster_choice.Clusters, names: Names) -> list[Addon]:
    """All add-ons of the platform as deliveries, those that are not declared included.

    :param items: C(platform_addons).
    :param names: by cluster, the add-ons that it has, where it says so itself (C(addons_names)); others leave it.
    :raises InvalidInput: with every problem.
    """
    found, problems = _read_all(items, clusters, names)
    if problems:
        raise InvalidInput(problems)
    return found


def _read_all(items: t.Any, clusters: cluster_choice.Clusters, names: Names) -> tuple[list[Addon], list[Problem]]:
    reader = Reader()
    declared: dict[str, tuple[str, t.Any]] = {}
    for place, item in enumerate(reader.sequence(items, "platform_addons")):
        if not isinstance(item, dict):
            reader.problem(f"platform_addons[{place}]", type(item).__name__, "is not a mapping", "write it with name")
            continue
        key = item_key("platform_addons", item, place)
        name = reader.choice(item.get("name"), f"{key}.name", tuple(KINDS))
        if name in declared:
            reader.problem(f"{key}.name", name, "is declared twice", "declare an add-on once, with patches by cluster")
        elif name in KINDS:
            declared[name] = (key, item)
    found = []
    for name, kind in KINDS.items():
        key, item = declared.get(name, (f"platform_addons[{name}]", {"name": name}))
        found.append(_read(kind, item, clusters, names, reader, key))
    return found, reader.problems


def _read(kind: Kind, given: t.Any, clusters: cluster_choice.Clusters, names: Names, reader: Reader, key: str) -> Addon:
    known = (*_COMMON, *_OWN, *kind.switches)
    item = reader.mapping(veiled(given, known), key, known)
    common = {name: value for name, value in item.items() if name in _COMMON}
    base = model.read({**common, "name": f"{ADDON_PREFIX}{kind.name}", "objects": [{}]}, reader, key)
    absent = reader.choice(item.get("state", STATES[0]), f"{key}.state", STATES) == "absent"
    settings = _settings(kind, item, reader, key)
    before = len(reader.problems)
    if clusters:
        cluster_choice.check(item.get("clusters"), reader, f"{key}.clusters", clusters, workloads_only=False)
    chosen = _chosen(kind, item, clusters, names) if len(reader.problems) == before and not absent else []
    for name in chosen:
        _check_attached(clusters[name], item, reader, key)
    for place in unmatched(base.patches, kind.make(settings, {})):
        reader.problem(f"{key}.patches[{place}].target", base.patches[place].aim, "fits no object of it", "correct it")
    kept = {one.name: getattr(base, one.name) for one in fields(base)}
    kept |= {"objects": None, "item": {**item, "clusters": {"names": chosen}}, "platform": True}
    kept |= {"prune_limit": 100, "heir_of": (addons.SET,)}
    return Addon(**kept, make=functools.partial(kind.make, settings), absent=absent)


def _settings(kind: Kind, item: t.Mapping[str, t.Any], reader: Reader, key: str) -> Settings:
    version, repository, ours = item.get("version"), item.get("repository"), VERSIONS[kind.name]
    if version is not None:
        reader.text(version, f"{key}.version", _TAG, "a version is the tag of an image, such as " + ours, 128)
    if repository is not None:
        rule = "a repository is the name of an image without its tag, such as registry.example.org/metrics-server"
        reader.text(repository, f"{key}.repository", _REPOSITORY, rule)
    elif version not in (None, ours):
        reason = f"is not the version that the bundle holds ({ours})"
        reader.problem(f"{key}.version", version, reason, "remove it, or give the repository that has it")
    replicas = item.get("replicas")
    if replicas is not None and (
        not isinstance(replicas, int) or isinstance(replicas, bool) or not 1 <= replicas <= _MOST_REPLICAS
    ):
        reader.problem(f"{key}.replicas", replicas, f"is not a number from 1 to {_MOST_REPLICAS}", "correct it")
        replicas = None
    more = {name: reader.boolean(item[name], f"{key}.{name}") for name in kind.switches if item.get(name) is not None}
    return Settings(f"{repository or f'{IMAGE_REPOSITORY}/{kind.name}'}:{version or ours}", replicas, more)


def _chosen(kind: Kind, item: t.Mapping[str, t.Any], clusters: cluster_choice.Clusters, names: Names) -> list[str]:
    """The clusters that an add-on is for: those that are declared, else every created one."""
    if item.get("clusters") is None:
        found = [name for name, cluster in clusters.items() if cluster.get("mode") == "create"]
    else:
        found = [name for name, cluster in clusters.items() if concerns(item, cluster)]
    return [name for name in found if kind.name in names.get(name, (kind.name,))]


def _check_attached(cluster: Cluster, item: t.Mapping[str, t.Any], reader: Reader, key: str) -> None:
    """What an attached cluster must have, which a created one has by itself."""
    if cluster.get("mode") != "attach":
        return
    where, name = f"{key}.clusters", cluster["name"]
    if tier_of(cluster) != "lifecycle":
        reason = "is attached, and our identity may not write the roles and the API service of the add-on there"
        reader.problem(where, name, reason, "declare cluster_access: {tier: lifecycle} on it, or leave it out")
    if item.get("repository") is None:
        reason = "is attached, and its nodes have no images of the bundle"
        reader.problem(where, name, reason, "give a repository that its nodes can pull from, or leave it out")
