# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a server whether the steps of a plan would succeed, by dry-runs of all of them. Private to the collection.

What the same run makes first is not there yet: an object in a namespace that is to come is judged as one for another
namespace, so that its fields are checked; one of a kind that is to come cannot be judged. Both are told.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ..errors import PlatformError
from ..plan import Step, reason
from . import errors
from .client import Client
from .resources import STATIC, describe
from .steps import Object, ObjectStep
from .structure import misfits, schema_of

#: Stands in for namespaces that do not exist yet; every cluster has it.
_STAND_IN = "default"
_SPACE = "v1/Namespace/"


def rehearse(client: Client, steps: t.Sequence[Step]) -> dict[str, t.Any]:
    """Tries every step for an object, without a change.

    :returns: C(not_rehearsed), for the result: each C(id) with the C(reason).
    :raises PlatformError: naming every step that would fail; its details hold them as C(failed_steps).
    """
    tried = [step for step in steps if isinstance(step, ObjectStep)]
    made = [step for step in tried if step.action == "create"]
    spaces = {step.id.removeprefix(_SPACE) for step in made if step.id.startswith(_SPACE)}
    crds = [step.obj for step in tried if step.obj["kind"] == "CustomResourceDefinition" and not step.leaves]

    def attempt(step: ObjectStep) -> tuple[str, PlatformError | None]:
        try:
            return _try(client, step, spaces, crds), None
        except (errors.Forbidden, errors.NotFound) as exc:
            # Admission looks for what an object refers to, such as a Role or a PriorityClass.
            if any(other.wave < step.wave for other in made):
                return f"it may need what this run makes first ({exc})", None
            return "", exc
        except PlatformError as exc:
            return "", exc

    with ThreadPoolExecutor(max_workers=client.at_once) as pool:
        answers = list(zip(tried, pool.map(attempt, tried), strict=True))
    failed = [(step, exc) for step, (_why, exc) in answers if exc is not None]
    if failed:
        lines = "\n".join(f"- could not {step.description} on {step.target}: {reason(exc)}" for step, exc in failed)
        raise PlatformError(
            f"{len(failed)} step(s) would fail, nothing was changed:\n{lines}",
            failed_steps=[{"id": step.id, "reason": reason(exc)} for step, exc in failed],
        )
    return {"not_rehearsed": [{"id": step.id, "reason": why} for step, (why, _exc) in answers if why]}


def _try(client: Client, step: ObjectStep, spaces: t.Collection[str], crds: t.Sequence[Object]) -> str:
    """Tries one step. Returns why its success is not certain, or nothing."""
    obj = step.obj
    metadata = obj["metadata"]
    namespace = metadata.get("namespace")
    if step.action == "delete":
        client.delete(obj["apiVersion"], obj["kind"], metadata["name"], namespace, metadata["uid"], dry_run=True)
        return ""
    if step.leaves:
        return "handing it back is not tried"
    schemas = [found for crd in crds if (found := schema_of(crd, obj["apiVersion"], obj["kind"])) is not None]
    if schemas:
        return _fit(obj, schemas[0])
    if not _known(client, obj):
        return "its kind is not served yet"
    if namespace in spaces:
        return _judge(client, obj, _STAND_IN, f"its namespace {namespace} does not exist yet")
    if step.anew:
        return _judge(client, obj, namespace, f"{describe(obj)} is made anew")
    if step.strips:
        return _judge(client, obj, namespace, f"what others have added to {describe(obj)} is taken away first")
    try:
        client.apply(obj, dry_run=True, force=step.force)
    except errors.NotFound:
        if namespace is None or client.get("v1", "Namespace", namespace) is not None:
            raise
        return _judge(client, obj, _STAND_IN, f"its namespace {namespace} does not exist yet")
    return ""


def _fit(obj: Object, schema: t.Mapping[str, t.Any]) -> str:
    """Judges an object by the definition that comes with it.

    :raises PlatformError: it does not fit.
    """
    wrong = misfits(schema, obj)
    if wrong:
        raise PlatformError(f"it does not fit its definition: {'; '.join(wrong)}")
    return "its definition comes with the same run; its fields fit it"


def _known(client: Client, obj: Object) -> bool:
    kind = (obj["apiVersion"], obj["kind"])
    return kind in STATIC or obj["kind"] in (client.served(obj["apiVersion"]) or {})


def _judge(client: Client, obj: Object, namespace: str | None, why: str) -> str:
    """Only what makes the object itself invalid counts: rights and rules of the other namespace say nothing."""
    try:
        client.judge(obj, namespace)
    except (errors.Conflict, errors.Forbidden, errors.NotFound):
        return why
    return f"{why}; its fields are valid"
