# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what keeps workloads available. Pure. Private to the collection."""

from __future__ import annotations

from ...declaration import Reader
from .parameters import Parameter, Values
from .rule import DISRUPTION_BUDGETS, WORKLOADS, Rule, Target, each, listed, literal, reached, within_spec

_PROBES = ("liveness", "readiness", "startup")
#: Controllers whose pods serve for as long as they live.
_SERVING = ("DaemonSet", "ReplicaSet", "ReplicationController", "StatefulSet")
_SCALED = (
    Target("apps", ("deployments", "deployments/scale", "statefulsets", "statefulsets/scale")),
    Target("autoscaling", ("horizontalpodautoscalers",), versions=("v2",)),
)


def _unprobed(at: str, values: Values) -> str:
    owners = "variables.object.metadata.ownerReferences"
    served = (
        f"{reached('variables.object', 'metadata', 'ownerReferences')} && {owners}.exists(owner,"
        f" has(owner.controller) && owner.controller == true && owner.kind in {literal(_SERVING)})"
    )
    concerned = f"(object.kind == 'Pod' ? {served} : !(object.kind in ['CronJob', 'Job']))"
    lists = [
        each(at, ("containers",), f"!has(c.{probe}Probe)", f"c.name + {literal(f' ({probe}Probe)')}")
        for probe in values["probes"]
    ]
    return f"({concerned} ? {' + '.join(lists or ['[]'])} : [])"


def _replicas(at: str, values: Values) -> str:
    # A Scale leaves zero out; everywhere else the API server has filled in what was left out.
    unset = "(object.kind == 'Scale' ? 0 : 1)"
    plain = f"[({reached(at, 'spec', 'replicas')} ? {at}.spec.replicas : {unset})]"
    scaled = f"[({reached(at, 'spec', 'minReplicas')} ? {at}.spec.minReplicas : 1), {at}.spec.maxReplicas]"
    bounds = [f"count < {values['minimum']}"] if values["minimum"] is not None else []
    bounds += [f"count > {values['maximum']}"] if values["maximum"] is not None else []
    outside = " || ".join(bounds or ["false"])
    outside = f"count != 0 && ({outside})" if values["allow_zero"] else outside
    counts = f"(object.kind == 'HorizontalPodAutoscaler' ? {scaled} : {plain})"
    return f"{counts}.filter(count, {outside}).map(count, string(count))"


def _bounds(values: Values, reader: Reader, key: str) -> None:
    low, high = values["minimum"], values["maximum"]
    if low is None and high is None:
        reader.problem(key, {}, "nothing is required", "write minimum, maximum or both")
    elif low is not None and high is not None and low > high:
        reader.problem(f"{key}.minimum", low, f"is more than the maximum, {high}", "swap or correct them")


def _between(values: Values) -> str:
    ends = [("at least", values["minimum"]), ("at most", values["maximum"])]
    told = " and ".join(f"{word} {count}" for word, count in ends if count is not None)
    return f"{told} are wanted" + (", or 0 to stop it" if values["allow_zero"] else "")


def _blocking(at: str, values: Values) -> str:
    least, most = f"{at}.spec.minAvailable", f"{at}.spec.maxUnavailable"
    lists = [
        f"(has({most}) && string({most}).matches('^0+%?$') ? ['maxUnavailable: ' + string({most})] : [])",
        f"(has({least}) && string({least}).matches('^0*100%$') ? ['minAvailable: ' + string({least})] : [])",
    ]
    if values["max_unavailable_only"]:
        lists.append(f"(has({most}) ? [] : ['no maxUnavailable'])")
    return within_spec(at, f"({' + '.join(lists)})")


RULES = (
    Rule(
        "required_probes",
        "containers of Deployments, StatefulSets and DaemonSets have these probes",
        _unprobed,
        "without probes",
        lambda values: f"set {listed(f'{probe}Probe' for probe in values['probes'])} on every container",
        parameters=(
            Parameter(
                "probes",
                "choices",
                default=["readiness"],
                choices=_PROBES,
                needed=f"list some of {', '.join(_PROBES)}, or leave it out for readiness",
            ),
        ),
        workloads=(WORKLOADS[0],),
    ),
    Rule(
        "replica_bounds",
        "Deployments, StatefulSets and autoscalers keep to these numbers of replicas",
        _replicas,
        "numbers of replicas that are not allowed",
        _between,
        parameters=(
            Parameter("minimum", "integer"),
            Parameter("maximum", "integer"),
            Parameter("allow_zero", "boolean", default=False),
        ),
        judged=lambda values: _SCALED,
        workloads=(),
        template=False,
        check=_bounds,
    ),
    Rule(
        "pdb_sanity",
        "no PodDisruptionBudget blocks every eviction",
        _blocking,
        "blocks every eviction, and so every drain",
        lambda values: (
            "set maxUnavailable: 1 or more"
            if values["max_unavailable_only"]
            else "set maxUnavailable: 1 or more, or a minAvailable below the number of replicas"
        ),
        parameters=(Parameter("max_unavailable_only", "boolean", default=False),),
        judged=lambda values: (DISRUPTION_BUDGETS,),
        workloads=(),
        template=False,
    ),
)
