# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module compliance_scan: what a cluster holds against its policies, and reports of it. Private to the
collection.
"""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ..fleet.access_info import HUB_ARGUMENTS, hub_client, hub_uid
from ..fleet.selectors import CLUSTER_ARGUMENTS, cluster_of
from ..kube import absent, connection, errors
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.diff import covers
from ..kube.steps import plain_step
from ..operation import Context, Operation
from ..output import write_report, write_text
from ..plan import Plan, Step
from .declared import for_cluster
from .render import objects
from .scan import Governed, Scan, in_force, scan
from .scan_report import API_VERSION, CLUSTER_REPORT, THRESHOLDS, document, hub_summary, junit, policy_reports, table

ARGUMENTS: dict[str, t.Any] = {
    "policies": {"type": "list", "elements": "dict", "default": []},
    **CLUSTER_ARGUMENTS,
    "in_force": {"type": "bool", "default": True},
    "fail_on": {"type": "str", "choices": list(THRESHOLDS), "default": "deny"},
    "limit": {"type": "int", "default": 1000},
    "report": {"type": "bool", "default": True},
    **HUB_ARGUMENTS,
    "report_dir": {"type": "path"},
    "unreachable": {"type": "str"},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}
SET = ApplySet("compliance")


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the cluster hold the reports of what is found now. Files are output rather than state.

    :raises InvalidInput: a declared policy is wrong, whichever cluster it is for.
    """
    if params["unreachable"]:
        return _not_scanned(params)
    now = datetime.datetime.now(datetime.UTC)
    policies = [policy for policy in for_cluster(params["policies"], cluster_of(params)) if not policy.mutates]
    declared = [Governed(made[0]["metadata"]["name"], made, True) for made in (objects(one, now) for one in policies)]
    client = context.enter(absent.connect(params, context.environ, params["cluster"]))
    there = in_force(client) if params["in_force"] else []
    names = {item.name for item in declared}
    found = scan(client, [*declared, *(item for item in there if item.name not in names)], now)
    made = document(params["cluster"], found, params["fail_on"], params["limit"])
    steps, warnings = _report_steps(client, found, params)
    steps += _hub_steps(context, found, params, warnings)
    warnings += sorted({f"{item.policy}: {item.message}" for item in found.skipped()})
    return Plan(
        steps=steps,
        outputs={"scan": made, "compliant": made["compliant"], "table": table(found)},
        finish=lambda: _write(found, made, params),
        warnings=warnings,
        parallel=client.at_once,
    )


def _not_scanned(params: t.Mapping[str, t.Any]) -> Plan:
    """What is told of a cluster that could not be asked: not what an earlier scan has found."""
    found = Scan(unreachable=params["unreachable"])
    made = document(params["cluster"], found, params["fail_on"], params["limit"])
    outputs = {"scan": made, "compliant": made["compliant"], "table": table(found)}
    return Plan(outputs=outputs, finish=lambda: _write(found, made, params))


def _report_steps(client: Client, found: Scan, params: t.Mapping[str, t.Any]) -> tuple[list[Step], list[str]]:
    cluster = params["cluster"]
    if not params["report"] or not params["cluster_exists"]:
        return [], []
    if CLUSTER_REPORT.kind not in (client.served(API_VERSION) or {}):
        return [], [
            f"{cluster} does not serve {API_VERSION}, so it keeps no reports: its definitions are in the bundle "
            "(crds/crds-policyreport.yaml), and lodestar.platform.apply brings them"
        ]
    try:
        return plan_objects(client, policy_reports(found), applyset=SET, target=cluster), []
    except errors.Forbidden:
        return [], [
            f"{cluster}: its access has the rights of an earlier collection, which may not write reports; they are "
            "not written to it until the access is made anew"
        ]


def _hub_steps(context: Context, found: Scan, params: t.Mapping[str, t.Any], warnings: list[str]) -> list[Step]:
    """The summary that the hub keeps in the namespace of the cluster, and loses with it."""
    if not params["report"] or not params["hub_access"] or not params["cluster_exists"]:
        return []
    hub, cluster = context.enter(hub_client(params, context)), params["cluster"]
    hub_uid(hub, params)
    if hub.get("v1", "Namespace", cluster) is None or CLUSTER_REPORT.kind not in (hub.served(API_VERSION) or {}):
        warnings.append(f"{cluster}: {params['hub']} does not know it or serves no policy reports: it keeps no summary")
        return []
    wanted = hub_summary(cluster, found)
    there = hub.get(API_VERSION, wanted["kind"], wanted["metadata"]["name"], cluster)
    return [] if there is not None and covers(wanted, there) else [plain_step(hub, wanted, there, params["hub"], 0)]


def _write(found: Scan, made: dict[str, t.Any], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Writes the files of the scan on the controller."""
    if not params["report_dir"]:
        return {}
    base = Path(params["report_dir"]) / params["cluster"]
    paths = {"json": base.with_name(f"{base.name}.json"), "junit": base.with_name(f"{base.name}.junit.xml")}
    write_report(paths["json"], made)
    write_text(paths["junit"], junit(params["cluster"], found, params["fail_on"]), "report_dir")
    return {"report_paths": {kind: str(path) for kind, path in paths.items()}}


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
