# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report says where the fleet stands: nothing is left out, and nobody is forgotten who failed."""

from __future__ import annotations

import base64
import datetime
import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import report
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.report_operation import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.report_summary import (
    capacity,
    cluster_summary,
    fading,
)
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.module_utils.output import write_report
from ansible_collections.lodestar.platform.plugins.plugin_utils.outcome import outcome_of

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def cluster(name: str, role: str = "workload", mode: str = "create") -> dict[str, t.Any]:
    fields = {"version": None if mode == "attach" else "1.36.3", "tenants": ["payments"], "policies": []}
    return {"name": name, "role": role, "mode": mode, **fields}


FLEET = {
    "clusters": {
        "east": cluster("east"),
        "hub": cluster("hub", role="global"),
        "legacy": cluster("legacy", mode="attach"),
    },
    "machines": {"e1": {"cluster": "east"}, "h1": {"cluster": "hub"}},
}
EAST = {
    "cluster": "east",
    "joined": "created",
    "version": "v1.36.3",
    "nodes": {"ready": 1, "total": 2},
    "tenants": ["payments", "analytics"],
    "policies": ["registries", "limits", "a-policy-with-a-long-name"],
    "certificate_expiry": "2026-01-21T12:00:00Z",
    "access_expiry": "2026-01-02T11:00:00+00:00",
    "changed": {"tenancy": 4, "policy": 0, "addons": 1},
    "problem": None,
}


def row(entry: dict[str, t.Any]) -> str:
    (full,) = report.complete([entry], None, [], [])
    return report.table([full], NOW, planned=False).splitlines()[1]


def test_a_line_shows_what_is_known_of_a_cluster() -> None:
    cells = re.split(r" {2,}", row(EAST))
    names = "payments, analytics"
    assert cells == ["east", "created", "1.36.3", "1/2", names, "3", "20 d (soon)", "23 h", "tenancy 4, addons 1"]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("access_expiry", "2026-01-01T11:59:59Z", "EXPIRED"),
        ("certificate_expiry", "2027-01-01T12:00:00Z", "365 d"),
        ("changed", ["v1/Namespace/a"], "1 step"),
        ("changed", ["v1/Namespace/a", "v1/Namespace/b"], "2 steps"),
        ("changed", {"tenancy": 0}, "nothing"),
        ("nodes", None, " - "),
    ],
)
def test_a_cell_says_what_matters(field: str, value: t.Any, shown: str) -> None:
    assert shown in row({**EAST, field: value})


def test_the_hub_comes_first_and_columns_line_up() -> None:
    entries = report.complete([EAST, report.declared(FLEET["clusters"]["hub"])], FLEET, ["east", "hub"], [])
    title, hub, east = report.table(entries, NOW, planned=True).splitlines()
    assert hub.startswith("hub ")
    assert title.endswith("WOULD CHANGE")
    assert title.index("JOINED") == hub.index("hub", 3) == east.index("created")


def test_a_cluster_without_an_entry_is_reported_as_missing() -> None:
    entries = report.complete([EAST], FLEET, ["east", "legacy", "e1"], [])
    assert [(entry["cluster"], bool(entry["problem"])) for entry in entries] == [("east", False), ("legacy", True)]
    assert "did not get as far" in report.table(entries, NOW, planned=False)


def test_failed_hosts_are_a_problem_of_their_cluster() -> None:
    entries = report.complete([EAST], FLEET, ["east", "e1", "legacy"], ["e1", "legacy"])
    found = report.problems(entries)
    assert found[0].startswith("east: machine e1 failed")
    assert found[1].startswith("legacy: ")
    assert len(found) == 2


def test_a_failed_machine_reports_its_cluster_even_if_the_run_was_limited_to_it() -> None:
    (entry,) = report.complete([], FLEET, ["h1"], ["h1"])
    assert (entry["cluster"], entry["joined"], entry["version"]) == ("hub", "hub", "1.36.3")
    assert "h1" in entry["problem"]


def test_what_machines_left_behind_counts_for_their_cluster() -> None:
    left = {
        "east": {"changes": {"tenancy": 1, "hub": 2}, "certificates": []},
        "e1": {"changes": {"machine": 7}, "certificates": ["2026-06-01T00:00:00Z", "2026-01-11T12:00:00Z"]},
        "h1": {"changes": {"machine": 9}, "certificates": []},
    }
    (entry,) = report.complete([EAST], FLEET, ["east"], [], left)
    assert entry["changed"] == {"tenancy": 5, "policy": 0, "addons": 1, "hub": 2, "machine": 7}
    assert entry["certificate_expiry"] == "2026-01-11T12:00:00Z"


def test_only_plans_of_operations_are_counted() -> None:
    step = {"id": "a", "action": "create", "target": "east", "description": "create a"}
    variables = {
        "tenancy_result": {"changed": True, "plan": [step, step]},
        "policy_result": {"changed": False, "plan": []},
        "worker_result": {"changed": True, "results": [{"changed": True, "plan": [step]}, {"changed": False}]},
        "attach_result": {"changed": True, "failed": True, "plan": [step, step, step], "done": ["a"]},
        "skipped_result": {"changed": False, "skipped": True},
        "plan": [step],
        "declared": {"plan": [step]},
        "lodestar_seen": {
            "changed": False,
            "plan": [step],
            "machine": {"certificates": [{"name": "ca", "not_after": "2035-01-01T00:00:00Z"}]},
        },
    }
    assert outcome_of(variables) == {
        "changes": {"tenancy": 2, "worker": 1, "attach": 1},
        "certificates": ["2035-01-01T00:00:00Z"],
    }


def test_of_the_task_that_serves_all_clusters_each_counts_its_own_steps() -> None:
    steps = [
        {"id": f"{cluster}: addon-metrics-server: {name}", "action": "create", "target": cluster, "description": ""}
        for cluster, name in (("hub", "a"), ("east", "a"), ("east", "b"))
    ]
    whole = {"delivery_result": {"changed": True, "plan": steps}}
    assert [outcome_of(whole, name)["changes"] for name in ("hub", "east", "west")] == [
        {"delivery": 1},
        {"delivery": 2},
        {},
    ]
    broken = {"delivery_result": {"changed": True, "failed": True, "plan": steps, "done": [steps[0]["id"]]}}
    assert [outcome_of(broken, name)["changes"] for name in ("hub", "east")] == [{"delivery": 1}, {}]


def test_an_access_that_ends_soon_and_a_detachment_that_waits_are_told() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"iat": NOW.timestamp() - 80, "exp": NOW.timestamp() + 20}).encode())
    access = {"token": f"a.{claims.decode()}.b", "expires": "2026-01-01T12:00:20Z"}
    assert fading(access, 20, NOW) is None
    assert "20 % of its lifetime is left" in str(fading(access, 25, NOW))
    assert fading({"token": "x"}, 25, NOW) is None
    assert "0 % of its lifetime" in str(fading({**access, "expires": "2026-01-01T11:00:00Z"}, 25, NOW))
    (entry,) = report.complete([{**EAST, "access_warning": "it ends soon"}], None, [], [])
    waits = {"cluster": "west", "since": "2025-12-31T12:00:00Z", "reason": "no answer"}
    lines = report.table([entry], NOW, False, [waits]).splitlines()
    assert lines[2:] == [
        "",
        "Access that ends soon:",
        "- east: it ends soon",
        "",
        "Detachments that wait for their cluster:",
        "- west: since 2025-12-31T12:00:00Z: no answer",
    ]
    assert report.document([entry], NOW, False, [waits])["detachments"] == [waits]


def test_the_document_counts_changes_and_finds_the_first_expiry() -> None:
    other = {**EAST, "cluster": "west", "certificate_expiry": "2026-01-21T10:00:00-05:00", "changed": ["a"]}
    found = report.document(report.complete([EAST, other], None, [], []), NOW, planned=False)
    assert found["changes"] == 6
    assert found["earliest_certificate_expiry"] == "2026-01-21T12:00:00Z"
    assert found["problems"] == []


def run(clusters: list[dict[str, t.Any]], path: Path | None, check_mode: bool = False) -> tuple[dict[str, t.Any], str]:
    params = {
        "clusters": clusters,
        "fleet": None,
        "hosts": [],
        "failed_hosts": [],
        "outcome": None,
        "detachments": [],
    }
    context = Context(environ={})
    answer = OPERATION.execute({**params, "report_path": path and str(path)}, context, check_mode)
    return answer, "\n".join(answer.get("table", []))


def test_the_file_is_written_readable_and_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.json"
    answer, shown = run([EAST], path)
    assert (answer["changed"], answer["report_path"]) == (False, str(path))
    assert path.stat().st_mode & 0o777 == 0o644
    assert json.loads(path.read_text())["clusters"][0]["cluster"] == "east"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.json"]
    assert "east" in shown
    assert "WOULD" not in shown
    assert not answer["report"]["planned"]


def test_check_mode_shows_the_table_and_writes_nothing(tmp_path: Path) -> None:
    answer, shown = run([EAST], tmp_path / "report.json", check_mode=True)
    assert "report_path" not in answer
    assert "WOULD CHANGE" in shown
    assert answer["report"]["planned"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer, shown = run([EAST], tmp_path / "file" / "report.json")
    assert answer["failed"]
    assert "east" in shown
    assert str(tmp_path / "file" / "report.json") in answer["msg"]


def test_a_date_that_is_none_is_refused_by_name() -> None:
    answer, _shown = run([{**EAST, "access_expiry": "tomorrow"}], None)
    assert answer["problems"][0]["key"] == "east: access_expiry"


class Answers:
    """A cluster of two nodes, as the client reads it."""

    def list(self, api_version: str, kind: str) -> list[dict[str, t.Any]]:
        return [node("e1", "True", cpu="2", memory="1Gi"), node("e2", "False", cpu="1500m", memory="512Mi")]

    def version(self) -> dict[str, str]:
        return {"gitVersion": "v1.36.3"}


def node(name: str, ready: str, **has: str) -> dict[str, t.Any]:
    status = {"conditions": [{"type": "Ready", "status": ready}], "capacity": has}
    return {"metadata": {"name": name}, "status": status}


def test_a_node_that_is_missing_is_not_ready() -> None:
    summary = cluster_summary(t.cast(t.Any, Answers()), ["e1", "e3"])
    assert summary == {
        "version": "v1.36.3",
        "nodes": {"ready": 1, "total": 3},
        "capacity": {"cpu": 3, "memory": 1610612736, "pods": 0},
        "surplus": ["e2"],
    }


def test_without_an_inventory_no_node_is_surplus() -> None:
    assert cluster_summary(t.cast(t.Any, Answers()))["surplus"] == []


def test_surplus_nodes_are_shown_and_are_no_problem() -> None:
    answer, shown = run([{**EAST, "surplus": ["old"]}], None)
    assert "east: old: in the cluster, and not in the inventory" in shown
    assert answer["warnings"] == report.surplus(answer["report"]["clusters"])
    assert answer["problems"] == []
    assert "warnings" not in run([{**EAST, "surplus": []}], None)[0]


def test_capacity_of_no_nodes_is_nothing() -> None:
    assert capacity([]) == {"cpu": 0, "memory": 0, "pods": 0}


def test_a_report_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(PlatformError, match="Set report_path"):
        write_report(tmp_path / "report.json", {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]
