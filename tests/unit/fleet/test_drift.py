# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report of drift makes of the results of modules."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.fleet.drift_operation import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context


def step(name: str, action: str, **more: t.Any) -> dict[str, t.Any]:
    identity = f"v1/ConfigMap/shop/{name}"
    return {"id": identity, "action": action, "target": "east", "description": f"{action} {name}", **more}


def edited(name: str, path: str = "data.a", manager: str = "kubectl-edit") -> dict[str, t.Any]:
    managers = [{"name": manager, "since": "2026-01-02T03:04:05Z"}]
    return step(name, "update", cause={"redeclared": False, "fields": [{"path": path, "managers": managers}]})


def report(check: bool = True, **options: t.Any) -> dict[str, t.Any]:
    return OPERATION.execute({"report_path": None, **options}, Context(environ={}), check)


def compared(result: dict[str, t.Any], enforced: bool = False, cluster: str = "east") -> dict[str, t.Any]:
    return {"cluster": cluster, "set": "shop", "enforced": enforced, "result": result}


def test_every_step_is_one_difference_and_the_sets_own_record_is_none() -> None:
    record = {**step("applyset-shop", "update"), "id": "v1/ConfigMap/lodestar-system/applyset-shop"}
    redeclared = step("c", "update", cause={"redeclared": True, "fields": []})
    plan = [record, step("a", "create"), edited("b"), redeclared, step("d", "delete")]
    answer = report(sets=[compared({"plan": plan, "changed": True})])
    assert [(item["object"][-1], item["difference"], item["state"]) for item in answer["drift"]] == [
        ("a", "missing", "found"),
        ("b", "edited", "found"),
        ("c", "redeclared", "found"),
        ("d", "undeclared", "found"),
    ]
    second = answer["drift"][1]
    assert (second["fields"], second["managers"], second["since"]) == (
        ["data.a"],
        ["kubectl-edit"],
        "2026-01-02T03:04:05Z",
    )
    assert answer["table"][-1] == "1 set(s) of 1 cluster(s) compared: 4 found, 0 repaired, 0 left"
    assert answer["changed"] is False
    assert answer["problems"][1] == "east: shop: v1/ConfigMap/shop/b: edited data.a by kubectl-edit"


def test_what_was_carried_out_is_repaired_up_to_the_failure() -> None:
    plan = [step("a", "create"), edited("b"), step("c", "create")]
    assert {item["state"] for item in report(sets=[compared({"plan": plan}, True)])["drift"]} == {"repaired"}
    failed = {
        "plan": plan,
        "failed": True,
        "msg": "could not update",
        "done": ["v1/ConfigMap/shop/a"],
        "outcome": {"failed": [{"id": "v1/ConfigMap/shop/b", "reason": "no space"}]},
    }
    answer = report(sets=[compared(failed, True)])
    assert [(item["state"], item["reason"]) for item in answer["drift"]] == [
        ("repaired", ""),
        ("left", "no space"),
        ("left", ""),
    ]
    assert len(answer["problems"]) == 2


def test_a_conflict_is_named_beside_what_else_differs() -> None:
    fields = [{"path": "spec.replicas", "managers": [{"name": "argocd", "since": "2026-01-01T00:00:00Z"}]}]
    refused = {
        "failed": True,
        "plan": [],
        "msg": "2 refusal(s)",
        "refusals": ["web: declared by argocd", "x exists and is not of this set"],
        "conflicts": [{"id": "apps/v1/Deployment/shop/web", "fields": fields, "reason": "web: declared by argocd"}],
        "withheld": [edited("b")],
    }
    answer = report(sets=[compared(refused)])
    assert [(item["difference"], item["object"], item["reason"]) for item in answer["drift"]] == [
        ("conflict", "apps/v1/Deployment/shop/web", "web: declared by argocd"),
        ("failed", "", "x exists and is not of this set"),
        ("edited", "v1/ConfigMap/shop/b", ""),
    ]
    assert [item["state"] for item in answer["drift"]] == ["left", "left", "found"]
    assert report(sets=[compared(refused, True)])["drift"][2]["state"] == "left"


def test_a_cluster_that_did_not_answer_hides_no_other(tmp_path: Path) -> None:
    sets = [compared({"failed": True, "msg": "no answer", "plan": []}, cluster="west"), compared({"plan": []})]
    path = tmp_path / "drift.json"
    answer = report(check=False, sets=sets, report_path=str(path))
    assert answer["problems"] == ["west: shop: failed (no answer)"]
    written = json.loads(path.read_text())
    assert written["counts"] == {"found": 0, "repaired": 0, "left": 1}
    assert [item["cluster"] for item in written["compared"]] == ["west", "east"]
    assert report(sets=[compared({"plan": []})])["table"] == [
        "1 set(s) of 1 cluster(s) compared: 0 found, 0 repaired, 0 left"
    ]
