# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is seen anywhere of what is applied, governed, scanned and reviewed, also where an operator is mistaken."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.leaks import CANARY_TYPE, told_by
from .plays import Fleet, recap
from .test_detach import policy, tenant
from .test_secrets import Household, another_token, signature, written

Object = dict[str, t.Any]
CANARY, CHANGED, THEIRS = "canary-7d1f0a9c3e-one", "canary-2b86e4d07a-two", "canary-f93c5516be-theirs"
#: A password that somebody forgot to quote.
NUMBER = 918273640519
SECRETS = "/api/v1/namespaces/default/secrets"
LISTS = {"tenancy": "tenants", "policy": "policies"}


def secret(name: str, value: t.Any = "{{ canary }}", **more: t.Any) -> Object:
    metadata = {"name": name, "namespace": "default"}
    declared = {"apiVersion": "v1", "kind": "Secret", "type": CANARY_TYPE, "metadata": metadata}
    return {**declared, "stringData": {"password": value}, **more}


@pytest.fixture
def household(hosted: ApiServer, hub_access: Object, tmp_path: Path, prefix: str) -> Household:
    """A cluster with tenants, policies and people's roles, and an administrator's token for single tasks."""
    user = tmp_path / "user"
    user.mkdir(mode=0o700)
    token, key = another_token(hosted), another_token(hosted)
    kubeconfig = hosted.kubeconfig()
    kubeconfig["users"][0]["user"]["token"] = token
    clusters = {"first": {"kubeconfig": kubeconfig, "cluster_access": {"tier": "lifecycle"}}}
    roles = [{"name": "audit", "role": "auditor", "members": [{"kind": "Group", "name": prefix}]}]
    lists: Object = {"tenants": [tenant(prefix)], "policies": [policy(prefix)], "fleet_roles": roles}
    fleet = Fleet(user, hub_access, clusters, **lists)
    secrets = {
        "token of the kubeconfig": signature(token),
        "token of the tasks": signature(key),
        "token of the hub": signature(hub_access["token"]),
        "canary": CANARY,
        "changed canary": CHANGED,
        "canary of another manager": THEIRS,
        "unquoted number": str(NUMBER),
    }
    given: Object = {"key": key, "canary": CANARY, "changed": CHANGED, "number": NUMBER, "host": hosted.url}
    fleet.give(lodestar_hub_access=hub_access, **given, ca_cert=hosted.runner.ca_data)
    return Household(user, fleet, secrets)


def told(name: str, **arguments: t.Any) -> list[Object]:
    """A task that may fail, and one that shows what it returned."""
    credential = {key: "{{ " + value + " }}" for key, value in (("host", "host"), ("api_key", "key"))}
    credential |= {"ca_cert": "{{ ca_cert }}", "cluster": "first"}
    keywords = {key: arguments.pop(key) for key in ("check_mode",) if key in arguments}
    task = {f"lodestar.platform.{name}": {**credential, **arguments}, **keywords}
    return [
        {**task, "register": "told", "ignore_errors": True},
        {"ansible.builtin.debug": {"var": "told"}},
    ]


def apply(*objects: t.Any, **more: t.Any) -> list[Object]:
    text = {"objects": objects[0]} if objects and isinstance(objects[0], str) else {"objects": list(objects)}
    return told("apply", applyset="canary", namespace="default", **text, **more)


def manifests(user: Path) -> Path:
    """A directory with a Secret as one exports it, and a file that cannot be read."""
    (user / "manifests").mkdir()
    coded = {"password": base64.b64encode(CANARY.encode()).decode()}
    exported = {key: value for key, value in secret("exported", data=coded).items() if key != "stringData"}
    (user / "manifests" / "exported.yaml").write_text(yaml.safe_dump(exported))
    (user / "broken.yaml").write_text(f"kind: Secret\nstringData:\n  password: !{CANARY}\n")
    return user / "manifests"


def declare_theirs(hosted: ApiServer) -> None:
    """A Secret whose value another manager declares."""
    coded = {"password": base64.b64encode(THEIRS.encode()).decode()}
    body = {"apiVersion": "v1", "kind": "Secret", "type": CANARY_TYPE, "metadata": {"name": "theirs"}, "data": coded}
    with Client(hosted.admin) as admin:
        query = {"fieldManager": "argocd", "force": "true"}
        admin.request("PATCH", f"{SECRETS}/theirs", query=query, body=body, content_type="application/apply-patch+yaml")


def test_values_of_secrets_are_nowhere_but_in_the_secret(
    hosted: ApiServer, household: Household, tmp_path: Path
) -> None:
    user = tmp_path / "user"
    src, text = [str(manifests(user))], f"kind: Secret\nstringData: {{password: !{CANARY} x}}\n"
    declare_theirs(hosted)
    rest = {"apiVersion": "v1", "kind": "List", "items": [secret("second"), secret("sealed", immutable=True)]}
    whole, one = [rest, secret("one"), secret("theirs")], secret("one", "{{ changed }}")
    tasks = [
        *apply(*whole[:2], src=src, check_mode=True),
        *apply(*whole[:2], src=src),
        *apply(*whole, src=src),
        *apply(*whole, src=src, adopt=["Secret"]),
        *apply(*whole, src=src, adopt=["Secret"], force=True),
        *apply(one, *whole[::2], src=src),
        *apply(secret("second", "{{ changed }}"), secret("sealed", "{{ changed }}"), *whole[1:], src=src),
        *apply(one, secret("one", "{{ number }}")),
        *apply(one, secret("one")),
        *apply(text),
        *apply(src=[str(user / "broken.yaml")]),
        *apply(one, prune_limit=100),
        *(task for name in ("tenancy", "policy") for task in told(name, **{LISTS[name]: []}, check_mode=True)),
        *told("compliance_scan", report=False),
    ]
    said = household.play(written(user, tasks))
    assert household.found(told_by("first", hosted)) == []
    counts = recap(said)["first"]
    # What fails half way has changed something, too.
    assert (counts["changed"], counts["ignored"]) == (6, 7)
    words = (
        "argocd",
        "(changed)",
        "immutable: FieldValueForbidden",
        "a tag begins with !",
        "is declared more than once",
    )
    assert [word for word in (*words, "must be text", "pruned:") if word not in said] == []


@pytest.mark.full
def test_nothing_that_governs_tells_a_secret(hosted: ApiServer, household: Household, tmp_path: Path) -> None:
    left = household.left / "home"
    shop = {"applyset": "shop", "namespace": "default", "objects": [secret("shop", CANARY)]}
    runner = hosted.runner
    access = {"server": runner.server, "ca_data": runner.ca_data, "token": runner.token}
    variables = {"drift_sets": ["tenancy"], "drift_apply": [shop], "drift_apply_access": access}
    (tmp_path / "user" / "drift.json").write_text(json.dumps(variables))
    household.secrets["token of the other sets"] = signature(str(runner.token))
    household.play("attach")
    compare = ["-e", f"@{tmp_path / 'user' / 'drift.json'}", "-e", f"drift_report_path={left / 'drift.json'}"]
    assert "shop" in household.play("drift", *compare, "-e", "drift_enforce=shop")
    scan = ["-e", f"compliance_scan_report_dir={left / 'reports'}", "-e", "compliance_scan_fail_on=none"]
    household.play("compliance_scan", *scan)
    household.play("access_review", "-e", "access_review_resources=secrets", "-e", "access_review_verbs=get")
    assert household.found(told_by("first", hosted)) == []
    assert (left / "reports" / "first.json").exists()


def test_a_secret_in_the_wrong_place_of_the_inventory_is_not_told(household: Household, prefix: str) -> None:
    path = household.fleet.folder / "hosts.yml"
    inventory = yaml.safe_load(path.read_text())
    hosts = inventory["clusters"]["hosts"]
    issuer = {"url": "https://sso.example.org", "audiences": ["x"], "clientSecret": CANARY}
    hosts["hub"]["cluster_authentication"] = {"jwt": [{"issuer": issuer, "certificateAuthority": CANARY}]}
    hosts["first"]["cluster_credential"] = {"host": "https://a.example.org", "api_kye": CANARY}
    item = {**tenant(prefix), "objects": [{**secret("mine", CANARY), "metadata": {"name": "mine", "namespace": "x"}}]}
    inventory["all"]["vars"]["tenants"] = [item]
    path.write_text(yaml.safe_dump(inventory))
    said = household.play("attach", fails=True)
    assert household.found([]) == []
    for key in ("issuer.clientSecret", "certificateAuthority", "cluster_credential.api_kye", "objects[0].kind"):
        assert key in said, said[-6000:]
