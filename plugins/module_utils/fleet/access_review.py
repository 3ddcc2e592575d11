# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module access_review: who may do what on which cluster. Asks clusters side by side, each within a deadline.

Private to the collection.
"""

from __future__ import annotations

import datetime
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem
from ..kube import connection
from ..kube.client import Client
from ..kube.errors import NONSENSE
from ..kube.token import stamp
from ..operation import Context, Operation
from ..output import write_report
from ..plan import Plan
from . import access_query, hub_view, rbac
from .access_info import judge, stored_access
from .access_query import Query, Row


@dataclass(frozen=True)
class Answer:
    """What a cluster says, or C(reason), why it does not."""

    rows: list[Row] = field(default_factory=list)
    reason: str = ""


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Asks one cluster, or every cluster that the hub records. Nothing is changed; a report may be written."""
    wrong = [
        Problem(key, params[key], "must be at least 1", f"Give a number, or leave {key} away")
        for key in ("deadline", "at_once")
        if params[key] < 1
    ]
    if wrong:
        raise InvalidInput(wrong)
    query, deadline = access_query.read(params), float(params["deadline"])
    made = connection.resolve(params, context.environ)
    warnings = []
    if params["cluster"]:
        client = context.enter(Client(made, deadline=deadline, until=time.monotonic() + deadline))
        answers = {params["cluster"]: _asked(query, params["cluster"], client)}
    else:
        hub = context.enter(Client(made))
        names = {str(name).strip() for name in params["names"]}
        views = hub_view.read(hub, names, params["label_selector"])
        missing = sorted(names - {view["name"] for view in views})
        warnings = [f"the hub has no record of {', '.join(missing)}"] if missing else []
        answers = _all(query, hub, views, deadline, params["at_once"])
    outputs = _outputs(answers)
    path = params["report_path"]
    return Plan(
        outputs=outputs,
        warnings=warnings,
        finish=(lambda: write_report(Path(path), _document(params, outputs))) if path else None,
    )


def _all(
    query: Query, hub: Client, views: t.Sequence[hub_view.View], deadline: float, at_once: int
) -> dict[str, Answer]:
    def one(view: hub_view.View) -> Answer:
        name = str(view["name"])
        return _asked(query, name, hub) if view["role"] == "global" else _member(query, name, hub, deadline)

    with ThreadPoolExecutor(max_workers=max(1, min(at_once, len(views)))) as pool:
        return dict(zip((str(view["name"]) for view in views), pool.map(one, views), strict=True))


def _member(query: Query, name: str, hub: Client, deadline: float) -> Answer:
    """Asks a member by the access that the hub keeps. It raises nothing: what is wrong is the answer."""
    until = time.monotonic() + deadline
    try:
        stored = stored_access(hub, name)
        if stored is None:
            return Answer(reason="the hub keeps no access for it")
        _state, reason, access = judge(stored, datetime.datetime.now(datetime.UTC), deadline)
        if access is None:
            return Answer(reason=reason)
    except PlatformError as exc:
        return Answer(reason=str(exc))
    with Client(stored.connection, deadline=deadline, until=max(until, time.monotonic() + 1.0)) as client:
        return _asked(query, name, client)


def _asked(query: Query, name: str, client: Client) -> Answer:
    """The rows of a cluster; one LIST a kind."""
    try:
        return Answer(access_query.answer(query, name, {kind: client.list(rbac.API, kind) for kind in rbac.KINDS}))
    except PlatformError as exc:
        return Answer(reason=str(exc))
    except NONSENSE as exc:
        # One cluster that answers nonsense must not keep the others from being told.
        return Answer(reason=f"it answers with something that is no object of Kubernetes ({type(exc).__name__})")


def _outputs(answers: t.Mapping[str, Answer]) -> dict[str, t.Any]:
    rows = [row for answer in answers.values() for row in answer.rows]
    unanswered = {name: answer.reason for name, answer in answers.items() if answer.reason}
    return {
        "rows": rows,
        "clusters": list(answers),
        "unanswered": unanswered,
        "table": access_query.table(rows, unanswered, len(answers)),
    }


def _document(params: t.Mapping[str, t.Any], outputs: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    asked = {key: params[key] for key in ("subject", "tenant", "verbs", "resources", "namespaces") if params[key]}
    return {"made": stamp(), "asked": asked, **{key: outputs[key] for key in ("clusters", "rows", "unanswered")}}


OPERATION = Operation(
    arguments={
        "subject": {
            "type": "dict",
            "options": {
                "kind": {"type": "str", "choices": list(rbac.SUBJECT_KINDS), "required": True},
                "name": {"type": "str", "required": True},
                "namespace": {"type": "str"},
                "groups": {"type": "list", "elements": "str", "default": []},
            },
        },
        "tenant": {"type": "str"},
        "verbs": {"type": "list", "elements": "str", "default": []},
        "resources": {"type": "list", "elements": "str", "default": []},
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "system": {"type": "bool", "default": False},
        "cluster": {"type": "str"},
        "names": {"type": "list", "elements": "str", "default": []},
        "label_selector": {"type": "str"},
        "deadline": {"type": "int", "default": 10},
        "at_once": {"type": "int", "default": 16},
        "report_path": {"type": "path"},
        **connection.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
