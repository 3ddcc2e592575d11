# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our identity may do what its requests need, and nothing else: the rights of a tier against the audit log."""

from __future__ import annotations

import time
import typing as t

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_review import OPERATION as REVIEW
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.cluster_info import OPERATION as CLUSTER_INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import OPERATION as DETACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.report_summary import OPERATION as SUMMARY
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import Forbidden
from ansible_collections.lodestar.platform.plugins.module_utils.policy.compliance import OPERATION as SCAN
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION as POLICY
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION as TENANCY

from ..harness.apiserver import ApiServer
from ..harness.programs import bundle
from .conftest import LODESTAR, connection, run
from .created_life import live_as_created
from .test_attach import change_secret
from .test_detach import changing, own_namespace, policy, take_in, tenant

Object = dict[str, t.Any]
Right = tuple[str, str, str]
DECLARED = {"mode": "attach", "role": "workload", "version": None, "tenants": [], "policies": []}
#: What is asked for while an object is written, and stands in no audit log: for the binding of a role that tenants may
#: get, and by the admission of an approval.
UNSEEN: set[Right] = {
    ("bind", "rbac.authorization.k8s.io", "clusterroles"),
    ("approve", "certificates.k8s.io", "signers"),
}


def held(tier: str) -> tuple[set[Right], set[Right]]:
    """(verb, group, resource) of a tier everywhere, and in lodestar-system."""
    own = {
        (verb, group, resource)
        for item in access.self_rules(tier)
        for group in item["apiGroups"]
        for resource in item["resources"]
        for verb in item["verbs"]
    }
    return {right[:3] for right in access.needs(tier)} - UNSEEN, own


def used(api: ApiServer, mark: int) -> tuple[set[Right], set[Right]]:
    """What our identity has used since a mark: anywhere, and in lodestar-system."""
    allowed = [request for request in api.audit.since(mark, LODESTAR) if request.code not in (401, 403)]
    rights = [right for request in allowed for right in request.rights]
    inside = {right[:3] for right in rights if right[3] == "lodestar-system"}
    return {right[:3] for right in rights if right[3] != "lodestar-system"}, inside


def with_role(declared: Object, *verbs: str) -> Object:
    """The tenant with a role of its own, and with a member that has it."""
    rules = [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": list(verbs)}]
    ops = {"kind": "Group", "name": "ops", "role": "shell"}
    return {**declared, "roles": [{"name": "shell", "rules": rules}], "members": [*declared["members"], ops]}


def live_through(hosted: ApiServer, hub: ApiServer, hub_access: Object, prefix: str, tier: str) -> set[Right]:
    """Everything that is done to a cluster of a tier, from the first day to the last.

    :returns: what is needed to grant it to others.
    """
    made = take_in(hosted, hub_access, prefix, tier)
    change_secret(hub, prefix, lifetime=str(10 * 86400))
    assert run(ATTACH, cluster=prefix, hub_access=hub_access, tier=tier)["plan"]
    made = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
    done = run(RECORD, cluster=prefix, mode="attach", tier=tier, access=made, hub_access=hub_access)
    assert not done.get("failed"), done
    if tier != "observe":
        _give_roles(hub_access, made, prefix, tier)
    assert not run(SUMMARY, cluster=DECLARED | {"name": prefix}, access=made).get("failed")
    assert run(CLUSTER_INFO, access=made)["info"]["sets"] is not None
    assert run(REVIEW, cluster=prefix, access=made, verbs=["get"])["unanswered"] == {}
    if tier != "observe":
        given: Object = {"cluster": prefix, "access": made, "adopt": ["all"]}
        limits = {"default": {"cpu": "1"}, "default_request": {"cpu": "1"}}
        wanted = {**tenant(prefix), "quota": {"pods": "5"}, "limits": limits}
        more = {**wanted, "quota": {"pods": "6"}, "name": f"{prefix}-b", "namespaces": [{"name": f"{prefix}-b"}]}
        first, second = with_role(wanted, "create"), with_role(wanted, "create", "get")
        last = {**wanted, "quota": {"pods": "7"}}
        for tenants in ([first, more], [first, {**more, "state": "retired"}], [second], [last]):
            done = run(TENANCY, tenants=tenants, prune_namespaces=True, **given)
            assert not done.get("failed"), done["msg"]
        some = [policy(prefix), policy(f"{prefix}-b"), changing(prefix), changing(f"{prefix}-b")]
        for policies in (some, [policy(prefix)], [policy(prefix), changing(prefix)]):
            done = run(POLICY, policies=policies, **given)
            assert not done.get("failed"), done["msg"]
        scan_all(hosted, prefix, made)
    granted = live_as_created(hosted, made, prefix, hub_access) if tier == "lifecycle" else set()
    done = run(DETACH, cluster=prefix, hub_access=hub_access, namespaces="delete", timeout=60)
    assert done.get("state") == "detached", done
    with Client(hosted.admin) as admin:
        assert admin.get("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "lodestar:auditors") is None
    return granted


def _give_roles(hub_access: Object, made: Object, prefix: str, tier: str) -> None:
    """Auditors come, change, go, and are there when the cluster leaves."""
    for groups in (["audit"], ["audit", "more"], [], ["audit"]):
        members = [{"kind": "Group", "name": name} for name in groups]
        roles = [{"name": "audit", "role": "auditor", "members": members}] if members else []
        given = {"mode": "attach", "tier": tier, "access": made, "hub_access": hub_access, "fleet_roles": roles}
        done = run(RECORD, cluster=prefix, **given)
        assert not done.get("failed"), done["msg"]
        assert done["fleet_roles"] == [role["name"] for role in roles]
        assert run(RECORD, cluster=prefix, **given)["plan"] == []


def scan_all(hosted: ApiServer, prefix: str, made: Object) -> None:
    """Everything that a scan looks at and writes; the last of its reports go with the detachment."""
    classes = {"classes": ["a"]}
    looked_at: list[tuple[str, Object | None]] = [
        ("no_privileged_containers", None),
        ("allowed_service_types", None),
        ("allowed_storage_classes", classes),
        ("allowed_ingress_classes", classes),
        ("replica_bounds", {"minimum": 1}),
        ("pdb_sanity", None),
        ("forbidden_namespaces", {"namespaces": [f"{prefix}-app"]}),
    ]
    rules = [
        {"name": f"r{place}", "rule": rule, "mode": "audit", "parameters": parameters}
        for place, (rule, parameters) in enumerate(looked_at)
    ]
    with Client(hosted.admin) as admin:
        for text in (bundle() / "crds" / "crds-policyreport.yaml").read_text().split("\n---"):
            if yaml.safe_load(text):
                admin.apply(yaml.safe_load(text), force=True)
        until = time.monotonic() + 30
        while "PolicyReport" not in (admin.served("wgpolicyk8s.io/v1alpha2") or {}) and time.monotonic() < until:
            admin.forget("wgpolicyk8s.io/v1alpha2")
            time.sleep(0.2)
    done = run(SCAN, cluster=prefix, access=made, policies=rules)
    assert not done.get("failed"), done["msg"]
    assert len(done["plan"]) >= 3
    assert done["scan"]["skipped"] == []


@pytest.mark.parametrize("tier", ["observe", "tenant", "lifecycle"])
def test_every_right_of_a_tier_is_used_and_none_is_missing(
    hub: ApiServer,
    hosted: ApiServer,
    hub_access: Object,
    prefix: str,
    tier: str,
) -> None:
    own_namespace(hosted, prefix)
    mark = hosted.audit.mark()
    granted = live_through(hosted, hub, hub_access, prefix, tier)
    everywhere, own = held(tier)
    used_everywhere, used_inside = used(hosted, mark)
    assert everywhere - used_everywhere - granted == set(), "too many"
    assert own - used_inside == set(), "too many in lodestar-system"
    assert used_everywhere - everywhere == set()
    assert used_inside - own - everywhere == set()
    # The last request sees that the access is gone.
    refused = {(request.verb, request.uri) for request in hosted.audit.since(mark, LODESTAR) if request.code == 403}
    assert refused <= {("get", "/api/v1/namespaces/lodestar-system")}


@pytest.mark.parametrize("tier", ["observe", "tenant", "lifecycle"])
def test_every_other_verb_is_refused(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, tier: str
) -> None:
    """Every verb on every resource that the server has, asked of its authorizer with our own token."""
    with Client(connection(take_in(hosted, hub_access, prefix, tier))) as client:
        everywhere = {right[:3] for right in access.needs(tier)}
        wrong = [
            (verb, group, name)
            for group, name in resources(client)
            for verb in VERBS
            if client.can(verb, group, name.partition("/")[0], subresource=name.partition("/")[2] or None)
            is not ((verb, group, name) in everywhere and not named(tier, verb, group, name))
        ]
        # Kubernetes allows some to every identity.
        with Client(hosted.admin) as admin:
            nobody = admin.create_token("default", "default", 600)["token"]
        with Client(connection({"server": hosted.url, "ca_data": hosted.runner.ca_data, "token": nobody})) as other:
            assert [item for item in wrong if not other.can(item[0], item[1], item[2])] == []
        with pytest.raises(Forbidden):
            client.list("v1", "Secret")
        assert not client.can("escalate", access_group, "clusterroles")
        assert not client.can("impersonate", "", "users")
        assert client.can("bind", access_group, "clusterroles", name="cluster-admin") is (tier == "lifecycle")
        assert client.can("bind", access_group, "clusterroles", name="view") is (tier != "observe")
    assert run(DETACH, cluster=prefix, hub_access=hub_access, timeout=60)["state"] == "detached"


VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
access_group = "rbac.authorization.k8s.io"


def resources(client: Client) -> list[tuple[str, str]]:
    """(API group, resource with subresource) of everything that is served."""
    groups = client.request("GET", "/apis")["groups"]
    bases = {
        "": "/api/v1",
        **{str(group["name"]): f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups},
    }
    return [
        (group, str(item["name"])) for group, base in bases.items() for item in client.request("GET", base)["resources"]
    ]


def named(tier: str, verb: str, group: str, resource: str) -> bool:
    """True for a right that a tier has for single names only."""
    names = {name for one in access.needs(tier) if one[:3] == (verb, group, resource) for name in one[3:]}
    return "" not in names
