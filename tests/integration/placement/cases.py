# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random hubs on which one Placement is to be decided. The same seed makes the same case."""

from __future__ import annotations

import datetime
import random
import typing as t

Object = dict[str, t.Any]

NOW = datetime.datetime(2026, 11, 27, 12, 0, 0, 250000, tzinfo=datetime.UTC)
NAMESPACE = "apps"
SET_LABEL = "cluster.open-cluster-management.io/clusterset"
PLACEMENT_LABEL = "cluster.open-cluster-management.io/placement"
LABELS = {
    "region": ["eu", "us", "asia"],
    "tier": ["gold", "silver"],
    "example.org/zone": ["a", "b", ""],
    "env": ["prod"],
}
CLAIMS = {"product.open-cluster-management.io": ["Kubernetes", "OpenShift", "not a, label"], "rack": ["r1", "r2"]}
TAINTS = ["dedicated", "example.org/gone", "cluster.open-cluster-management.io/unreachable"]
EFFECTS = ["NoSelect", "PreferNoSelect", "NoSelectIfNew"]
BUILT_IN = ["Steady", "Balance", "ResourceAllocatableCPU", "ResourceAllocatableMemory"]
SCORES = {"usage": ["cpu", "memory"], "cost": ["price"]}
ODD_COORDINATES: list[Object] = [
    {"type": "BuiltIn", "builtIn": "Luck"},
    {"type": "AddOn"},
    {"builtIn": "Steady"},
    {"type": "BuiltIn", "builtIn": "Steady", "addOn": {"resourceName": "usage", "scoreName": "cpu"}},
]
ODD_QUANTITIES: list[t.Any] = [
    "0", "1", "0.5", "1.5Gi", ".25", "3.", "007", "123456789012345678901", "1e3", "12E2", "2E", "0.0000000001",
    "1.23456789123", "9Ei", "8191Pi", "1.1Ti", "100n", "5u", "+4", "0.3Ki", "1e-3", "99999999999999999999999999Mi",
    "33.3333333333333333333", 7,
]  # fmt: skip
SETS = ["default", "east", "west", "all", "gold"]
EXPRESSIONS = [
    "managedCluster.metadata.labels['region'] == 'eu'",
    "'tier' in managedCluster.metadata.labels",
    "managedCluster.status.version.kubernetes.startsWith('v1.3')",
    "has(managedCluster.status.clusterClaims) && managedCluster.status.clusterClaims.exists(c, c.name == 'rack')",
    "size(managedCluster.metadata.name) % 2 == 0",
    "managedCluster.metadata.name",
    "quantity(managedCluster.status.allocatable.cpu).isGreaterThan(quantity('4'))",
    "!has(managedCluster.spec.taints) || managedCluster.spec.taints.all(t, t.effect != 'NoSelect')",
]


class Maker:
    """Makes one case.

    :param seed: of chance.
    :param wild: mistakes are made, too, that an API server would let pass and OCM refuses.
    """

    def __init__(self, seed: int, wild: bool = True) -> None:
        self.chance = random.Random(seed)
        self.wild = wild

    def often(self, probability: float) -> bool:
        return self.chance.random() < probability

    def case(self) -> Object:
        """C(placement), C(clusters), C(sets), C(bindings), C(scores), C(decisions) and C(now)."""
        chance = self.chance
        # Few hubs are so large that decisions need more than one page.
        number = chance.randint(101, 230) if self.often(0.03) else chance.randint(3, 50)
        names = [f"c{place:02}" for place in range(number)]
        chance.shuffle(names)
        sets = [item for item in map(self.cluster_set, SETS) if self.often(0.9)]
        clusters = [self.cluster(name) for name in names]
        scores = [self.score(name, resource) for name in names for resource in SCORES if self.often(0.7)]
        placement = self.placement(len(names))
        return {
            "now": NOW.isoformat().replace("+00:00", "Z"),
            "placement": placement,
            "clusters": clusters,
            "sets": sets,
            "bindings": self.bindings(),
            "scores": scores,
            "decisions": self.decisions(names, placement["metadata"]["name"]),
        }

    def moment(self, seconds: float) -> str:
        return (NOW + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def cluster_set(self, name: str) -> Object:
        spec: Object = {"clusterSelector": {"selectorType": "ExclusiveClusterSetLabel"}}
        if name == "all":
            spec = {"clusterSelector": {"selectorType": "LabelSelector", "labelSelector": {}}}
        elif name == "gold":
            wanted: Object = {"matchLabels": {"tier": "gold"}}
            if self.wild and self.often(0.02):
                wanted = {"matchExpressions": [{"key": "tier", "operator": "Near"}]}
            selector: Object = {"selectorType": "LabelSelector", "labelSelector": wanted}
            if self.often(0.1):
                del selector["labelSelector"]
            spec = {"clusterSelector": selector}
        elif self.often(0.3):
            spec = {}
        return {"metadata": {"name": name}, "spec": spec}

    def bindings(self) -> list[Object]:
        bound = [name for name in SETS if self.often(0.6)] + (["missing"] if self.often(0.1) else [])
        if self.often(0.02):
            bound = []
        there = [{"metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"clusterSet": name}} for name in bound]
        return [*there, {"metadata": {"name": "west", "namespace": "others"}, "spec": {"clusterSet": "west"}}]

    def cluster(self, name: str) -> Object:
        chance = self.chance
        labels = {key: chance.choice(values) for key, values in LABELS.items() if self.often(0.7)}
        if self.often(0.9):
            labels[SET_LABEL] = chance.choice(SETS[:3])
        metadata: Object = {"name": name, "labels": labels}
        if self.often(0.03):
            metadata["deletionTimestamp"] = self.moment(-60)
        claims = [{"name": key, "value": chance.choice(values)} for key, values in CLAIMS.items() if self.often(0.7)]
        status: Object = {"clusterClaims": claims} if claims else {}
        if self.often(0.8):
            status["version"] = {"kubernetes": chance.choice(["v1.36.3", "v1.37.2", "v1.4.1"])}
        for part, likely in (("allocatable", 0.9), ("capacity", 0.95)):
            if self.often(likely):
                status[part] = {kind: self.quantity(kind) for kind in ("cpu", "memory") if self.often(0.95)}
        taints = [self.taint() for _number in range(chance.choice([0, 0, 0, 1, 1, 2, 3]))]
        return {"metadata": metadata, "spec": {"hubAcceptsClient": True, **({"taints": taints} if taints else {})},
                "status": status}  # fmt: skip

    def quantity(self, kind: str) -> t.Any:
        chance = self.chance
        if self.often(0.1):
            return chance.choice(ODD_QUANTITIES)
        if kind == "cpu":
            return chance.choice([f"{chance.randint(1, 64)}", f"{chance.randint(100, 64000)}m"])
        number = chance.randint(1, 2 ** chance.randint(1, 40))
        return f"{number}{chance.choice(['', 'Ki', 'Mi', 'Gi', 'k', 'M', 'G', 'm'])}"

    def taint(self) -> Object:
        chance = self.chance
        found: Object = {"key": chance.choice(TAINTS), "effect": chance.choice(EFFECTS)}
        if self.often(0.5):
            found["value"] = chance.choice(["x", "y"])
        found["timeAdded"] = None if self.often(0.1) else self.moment(-chance.randint(0, 600))
        return found

    def toleration(self) -> Object:
        chance = self.chance
        found: Object = {}
        if self.often(0.8):
            found["key"] = chance.choice(TAINTS)
        if self.often(0.7) or "key" not in found:
            found["operator"] = "Exists" if self.often(0.6) or "key" not in found else "Equal"
        if found.get("operator") != "Exists" and self.often(0.8):
            found["value"] = chance.choice(["x", "y"])
        if self.often(0.4):
            found["effect"] = chance.choice(EFFECTS)
        if self.often(0.4):
            found["tolerationSeconds"] = chance.choice([0, 60, 300, 599, 3600, -5, 10**10])
        if self.wild and self.often(0.02):
            found |= chance.choice([{"operator": "Exists", "value": "x"}, {"operator": "Near"}, {"key": ""}])
        return found

    def selector(self, values: t.Mapping[str, list[str]], labels: bool = True) -> Object:
        chance = self.chance
        found: Object = {}
        if labels and self.often(0.5):
            key = chance.choice(list(values))
            found["matchLabels"] = {key: chance.choice(values[key])}
        expressions = []
        for _number in range(chance.choice([0, 0, 1, 1, 2])):
            key = chance.choice(list(values))
            operator = chance.choice(["In", "NotIn", "Exists", "DoesNotExist"])
            item: Object = {"key": key, "operator": operator}
            if operator in ("In", "NotIn"):
                usable = [value for value in values[key] if " " not in value or (self.wild and self.often(0.05))]
                item["values"] = chance.sample(usable, chance.randint(1, len(usable)))
            if self.wild and self.often(0.01):
                item |= chance.choice([{"operator": "Near"}, {"key": "a b"}, {"values": []}, {"key": "/x"}])
            expressions.append(item)
        return found | ({"matchExpressions": expressions} if expressions else {})

    def predicate(self) -> Object:
        found: Object = {}
        if self.often(0.7):
            found["labelSelector"] = self.selector(LABELS)
        if self.often(0.3):
            found["claimSelector"] = self.selector(CLAIMS, labels=False)
        if self.often(0.25):
            found["celSelector"] = {"celExpressions": self.chance.sample(EXPRESSIONS, self.chance.choice([1, 1, 2]))}
        return {"requiredClusterSelector": found}

    def prioritizer(self) -> Object:
        chance = self.chance
        if self.often(0.6):
            coordinate: Object = {"type": "BuiltIn", "builtIn": chance.choice(BUILT_IN)}
        else:
            resource = chance.choice([*SCORES, "none"])
            name = chance.choice([*SCORES.get(resource, []), "other"])
            coordinate = {"type": "AddOn", "addOn": {"resourceName": resource, "scoreName": name}}
        if self.wild and self.often(0.02):
            coordinate = chance.choice(ODD_COORDINATES)
        found = {"scoreCoordinate": coordinate, "weight": chance.randint(-10, 10)}
        if self.wild and self.often(0.01):
            del found["scoreCoordinate"]
        return found

    def policy(self) -> Object:
        found: Object = {"configurations": [self.prioritizer() for _number in range(self.chance.randint(0, 5))]}
        if self.often(0.7):
            found["mode"] = self.chance.choice(["Additive", "Exact"])
        if self.wild and self.often(0.01):
            found["mode"] = "Random"
        return found

    def placement(self, clusters: int) -> Object:
        chance = self.chance
        spec: Object = {}
        if self.often(0.4):
            spec["clusterSets"] = chance.sample([*SETS, "missing"], chance.randint(1, 3))
        if self.often(0.7):
            spec["numberOfClusters"] = chance.choice([0, 1, 1, 2, 3, 5, 10, clusters, clusters + 3])
        if self.often(0.6):
            spec["predicates"] = [self.predicate() for _number in range(chance.randint(1, 3))]
        if self.often(0.7):
            spec["tolerations"] = [self.toleration() for _number in range(chance.randint(1, 4))]
        if self.often(0.8):
            spec["prioritizerPolicy"] = self.policy()
        if self.often(0.3):
            spec["spreadPolicy"] = {"spreadConstraints": [{"topologyKey": "region", "topologyKeyType": "Label",
                "maxSkew": 1, "whenUnsatisfiable": chance.choice(["DoNotSchedule", "ScheduleAnyway"])}]}  # fmt: skip
        if self.often(0.5):
            spec["decisionStrategy"] = {"groupStrategy": self.groups()}
        metadata: Object = {"name": f"p{chance.randint(0, 3)}", "namespace": NAMESPACE}
        if self.often(0.02):
            metadata["annotations"] = {"cluster.open-cluster-management.io/experimental-scheduling-disable": "true"}
        if self.often(0.01):
            metadata["deletionTimestamp"] = self.moment(-60)
        return {"metadata": metadata, "spec": spec}

    def groups(self) -> Object:
        chance = self.chance
        found: Object = {}
        if self.often(0.7):
            found["clustersPerDecisionGroup"] = chance.choice([1, 2, 7, 0, "100%", "25%", "33%", "1%", "7%"])
        if self.wild and self.often(0.02):
            found["clustersPerDecisionGroup"] = chance.choice(["50", "x%"])
        if self.often(0.7):
            found["decisionGroups"] = [
                {"groupName": f"g{number}", "groupClusterSelector": self.group_selector()}
                for number in range(chance.randint(1, 3))
            ]
        return found

    def group_selector(self) -> Object:
        found: Object = {"labelSelector": self.selector(LABELS)}
        if self.often(0.2):
            found["claimSelector"] = self.selector(CLAIMS, labels=False)
        return found

    def score(self, cluster: str, resource: str) -> Object:
        chance = self.chance
        status: Object = {
            "scores": [
                {"name": name, "value": chance.randint(-100, 100)} for name in SCORES[resource] if self.often(0.9)
            ]
        }
        if self.often(0.4):
            status["validUntil"] = self.moment(chance.choice([-3600, -1, 0, 1, 3600]))
        return {"metadata": {"name": resource, "namespace": cluster}, "status": status}

    def decisions(self, names: list[str], placement: str) -> list[Object]:
        """What was decided before, for this Placement and for others, in this namespace and elsewhere."""
        chance = self.chance
        found = []
        for number in range(4):
            for namespace in (NAMESPACE, "others"):
                if self.often(0.5):
                    chosen = chance.sample(names, chance.randint(0, len(names) // 2))
                    found.append(self.decision(f"p{number}", namespace, 1, chosen))
        if self.often(0.2):
            found.append(self.decision(placement, NAMESPACE, 2, chance.sample(names, 2)))
        return found

    def decision(self, placement: str, namespace: str, page: int, chosen: list[str]) -> Object:
        gone = ["gone"] if self.often(0.1) else []
        return {
            "metadata": {
                "name": f"{placement}-decision-{page}",
                "namespace": namespace,
                "labels": {PLACEMENT_LABEL: placement},
            },
            "status": {"decisions": [{"clusterName": name, "reason": ""} for name in [*chosen, *gone]]},
        }
