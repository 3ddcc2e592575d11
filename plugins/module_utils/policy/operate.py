# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds one cluster to its policies. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ..errors import InvalidInput, Problem, Refused
from ..fleet.selectors import CLUSTER_ARGUMENTS, cluster_of
from ..kube import absent, adopt, connection, errors
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.resources import object_id
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import exceptions, mutate, stages
from .declared import for_cluster
from .model import Policy
from .render import objects

ARGUMENTS: dict[str, t.Any] = {
    "policies": {"type": "list", "elements": "dict", "required": True},
    **CLUSTER_ARGUMENTS,
    "accept_violations": {"type": "bool", "default": False},
    "exception_warning_days": {"type": "int", "default": 14},
    "prune_all": {"type": "bool", "default": False},
    **adopt.ARGUMENT,
    "force": {"type": "bool", "default": False},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the cluster hold its policies, and no other policy of ours.

    Policies that would be written are shown to the API server first, by a dry-run, which compiles their CEL.

    :raises InvalidInput: a declared policy is wrong, whichever cluster it is for, or its CEL does not compile.
    :raises Refused: every policy would be deleted without C(prune_all), or something of others taken.
    """
    policies = for_cluster(params["policies"], cluster_of(params))
    now = datetime.datetime.now(datetime.UTC)
    client = context.enter(absent.connect(params, context.environ, params["cluster"]))
    rendered, warnings = _rendered(client, params, policies, now)
    steps = plan_objects(
        client,
        [obj for found in rendered.values() for obj in found],
        applyset=ApplySet("policy", force=params["force"]),
        target=params["cluster"],
        adopt=adopt.kinds(params),
        prune_all=params["prune_all"],
    )
    if params["cluster_exists"]:
        _compile(client, rendered, steps, params["cluster"])
        changes = stages.stricter(client, policies, rendered, steps)
        warnings += stages.check(client, changes, rendered, params["cluster"], params["accept_violations"])
    days = params["exception_warning_days"]
    outputs = {
        "policies": [{"name": policy.name, "rule": policy.rule, "mode": policy.mode} for policy in policies],
        "exceptions": [
            exceptions.as_data(policy.name, waiver, now, days) for policy in policies for waiver in policy.exceptions
        ],
        "objects": {name: [object_id(obj) for obj in found] for name, found in rendered.items()},
    }
    warnings += [line for policy in policies for line in exceptions.notes(policy.name, policy.exceptions, now, days)]
    return Plan(steps=steps, outputs=outputs, warnings=warnings, parallel=client.at_once)


def _rendered(
    client: Client, params: t.Mapping[str, t.Any], policies: t.Sequence[Policy], now: datetime.datetime
) -> tuple[dict[str, list[dict[str, t.Any]]], list[str]]:
    """The objects by policy, and what an operator should know. Asks what the cluster serves only where it matters."""
    version: str | None = mutate.VERSIONS[0]
    if params["cluster_exists"] and any(policy.mutates for policy in policies):
        version = mutate.served_version(client)
    changing, warnings = mutate.choose(policies, version, params["cluster"])
    judging = {policy.name: objects(policy, now) for policy in policies if not policy.mutates}
    return {policy.name: (judging | changing).get(policy.name, []) for policy in policies}, warnings


def _compile(
    client: Client, rendered: t.Mapping[str, list[dict[str, t.Any]]], steps: t.Sequence[Step], cluster: str
) -> None:
    """Lets the API server judge the policies that would be written; the first object of each is the policy itself."""
    written = {step.id for step in steps if step.action != "delete"}
    problems = []
    for name, found in rendered.items():
        if not found or object_id(found[0]) not in written:
            continue
        policy = found[0]
        try:
            client.apply(policy, dry_run=True, force=True)
        except errors.Invalid as exc:
            reason = f"the API server of {cluster} refuses the policy: {exc}"
            problems.append(Problem(f"policies[{name}]", policy["metadata"]["name"], reason, "Correct the expressions"))
        except errors.NotFound as exc:
            raise Refused(
                f"{cluster} does not serve ValidatingAdmissionPolicy v1, which came with Kubernetes 1.30: upgrade it, "
                "or leave it out of the policies' clusters; nothing was changed",
                policy=name,
            ) from exc
    if problems:
        raise InvalidInput(problems)


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
