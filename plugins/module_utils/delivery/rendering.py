# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a delivery's chart on each cluster, rendered once for all clusters that are alike.

Private to the collection.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InvalidInput, Problem
from ..kube.capabilities import Capabilities, capabilities
from ..kube.chart_files import Traits, traits
from ..kube.client import Client
from ..kube.desired import Normal, key_of, normalise
from ..kube.helm import Helm, HelmFailed, Release
from ..kube.redact import HIDDEN
from ..kube.resources import object_id
from ..kube.sources import parse
from ..operation import Context
from .chart import HOOKS, Chart

Object = dict[str, t.Any]

_HOOK = "helm.sh/hook"
_TESTS = {"test", "test-success", "test-failure"}
_KEEP = "helm.sh/resource-policy"
_VAULT = b"$ANSIBLE_VAULT;"
_SECRET_KEY = re.compile(r"pass|secret|token|key|credential|auth|cert", re.IGNORECASE)
#: Shorter ones would blot out half of a message, and guard nothing.
_SHORTEST_SECRET = 4
_Key: t.TypeAlias = "tuple[tuple[str, ...], str, Capabilities | None]"


@dataclass
class _Once:
    """What was made of one set of values, or why nothing was."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    objects: Normal | None = None
    problems: list[Problem] = field(default_factory=list)


class Rendering:
    """Renders a delivery's chart. Threads may share it.

    :param name: of the delivery.
    :param path: where the chart lies.
    """

    def __init__(self, name: str, chart: Chart, path: str, helm: Helm, found: Traits) -> None:
        self._name, self._chart, self._path, self._helm, self._traits = name, chart, path, helm, found
        self._lock = threading.Lock()
        self._made: dict[_Key, _Once] = {}
        self.kept: set[str] = set()

    @property
    def digest(self) -> str:
        """Of the chart's files and of the values from files."""
        return self._traits.digest

    @property
    def count(self) -> int:
        """How many different renderings there are."""
        return len(self._made)

    def of(self, cluster: t.Mapping[str, t.Any], client: Client | None) -> Normal:
        """The objects of the chart for a cluster.

        :param client: of the cluster, which is asked for its version and APIs where the chart looks at them.
        :raises InvalidInput: it cannot be rendered, or gives what cannot be held.
        """
        files, values = self._chart.values_of(cluster)
        known = capabilities(client) if self._traits.cluster and client is not None else None
        key = (files, json.dumps(values, sort_keys=True), known)
        with self._lock:
            once = self._made.setdefault(key, _Once())
        with once.lock:
            if once.objects is None and not once.problems:
                try:
                    once.objects = self._render(files, values, known)
                except InvalidInput as exc:
                    once.problems = exc.problems
        if once.objects is None:
            raise InvalidInput(once.problems)
        return once.objects

    def _render(self, files: tuple[str, ...], values: Object, known: Capabilities | None) -> Normal:
        chart = self._chart
        release = Release(chart.release, chart.namespace, files, values, chart.include_crds, known)
        found = self._once(release)
        if self._traits.volatile:
            self._compare(found, self._once(release))
        kept = {object_id(obj) for obj in found if _annotations(obj).get(_KEEP) == "keep"}
        with self._lock:
            self.kept |= kept
        return found

    def _once(self, release: Release) -> Normal:
        where = f"chart {self._chart.source}"
        try:
            sourced = parse(self._helm.template(self._path, release), where)
            objects = normalise([obj for _where, obj in sourced], [place for place, _obj in sourced])
            return self._without_hooks(objects)
        except HelmFailed as exc:
            said = hidden(str(exc), release.values)
            raise self._wrong(f"cannot be rendered by helm: {said}", "Correct the chart or its values") from None
        except InvalidInput as exc:
            key = f"deliveries[{self._name}]"
            again = [Problem(f"{key}: {item.key}", item.value, item.reason, item.remedy) for item in exc.problems]
            raise InvalidInput(again) from None

    def _without_hooks(self, objects: Normal) -> Normal:
        """Hooks need helm's own life of a release, which there is none of here. Tests are never part of a delivery."""
        hooks = {id(obj): _annotations(obj)[_HOOK] for obj in objects if _HOOK in _annotations(obj)}
        others = [obj for obj in objects if id(obj) in hooks and not _is_test(hooks[id(obj)])]
        if others and self._chart.hooks == HOOKS[0]:
            named = ", ".join(f"{object_id(obj)} ({hooks[id(obj)]})" for obj in others)
            remedy = "Write hooks: objects to hold them like all others, or hooks: leave_out"
            raise self._wrong(f"has hooks, which no delivery runs: {named}", remedy)
        plain = {id(obj) for obj in others} if self._chart.hooks == HOOKS[1] else set()
        return normalise(
            [
                _as_object(obj) if id(obj) in plain else obj
                for obj in objects
                if id(obj) in plain or id(obj) not in hooks
            ]
        )

    def _compare(self, first: Normal, second: Normal) -> None:
        """Refuses what is new in every run: it would be written again and again."""
        there = {key_of(obj): obj for obj in first}
        again = {key_of(obj): obj for obj in second}
        moving = sorted({object_id(obj) for key, obj in {**there, **again}.items() if there.get(key) != again.get(key)})
        if moving:
            reason = f"is rendered otherwise each time, by chance or by the time of day: {', '.join(moving)}"
            raise self._wrong(reason, "Give in values what it makes up, such as passwords and certificates")

    def _wrong(self, reason: str, remedy: str) -> InvalidInput:
        return InvalidInput([Problem(f"deliveries[{self._name}].chart", self._chart.source, reason, remedy)])


def open_chart(name: str, chart: Chart, context: Context) -> Rendering:
    """Finds helm and the chart, which is fetched now where a registry has it.

    :param name: of the delivery.
    :raises InvalidInput: the chart, or a file of values, is not there or cannot be read.
    :raises PlatformError: helm is not there.
    """
    helm = Helm(context.environ)
    key = f"deliveries[{name}].chart"
    _check_files(chart, key)
    path = chart.source
    try:
        if chart.is_remote:
            folder = context.enter(tempfile.TemporaryDirectory(prefix="lodestar-chart-"))
            path = helm.pull(chart.source, chart.version, chart.registry, folder)
        elif not os.path.isabs(path):
            reason = "is a relative path on a host where no playbook is"
            raise InvalidInput([Problem("source", path, reason, "Give an absolute path")])
        texts = [json.dumps([one.values for one in chart.values]).encode()]
        texts += [Path(file).read_bytes() for one in chart.values for file in one.files]
        return Rendering(name, chart, path, helm, traits(path, texts))
    except HelmFailed as exc:
        said = str(exc).replace(chart.registry.password or "\n\n", HIDDEN)
        remedy = "Correct its name, version, ca_file or the way to sign on"
        raise InvalidInput([Problem(key, chart.source, f"cannot be fetched: {said}", remedy)]) from None
    except InvalidInput as exc:
        again = [Problem(f"{key}.{item.key}", item.value, item.reason, item.remedy) for item in exc.problems]
        raise InvalidInput(again) from None


def _check_files(chart: Chart, key: str) -> None:
    problems = []
    for file in dict.fromkeys(file for one in chart.values for file in one.files):
        where = f"{key}.values_files"
        if not os.path.isabs(file):
            reason = "is a relative path on a host where no playbook is"
            problems.append(Problem(where, file, reason, "Give an absolute path"))
            continue
        try:
            begin = Path(file).read_bytes()[: len(_VAULT)]
        except OSError as exc:
            problems.append(Problem(where, file, f"cannot be read: {exc.strerror}", "Correct the path"))
            continue
        if begin == _VAULT:
            remedy = "Decrypt it where it is used: values: \"{{ lookup('ansible.builtin.file', ...) | from_yaml }}\""
            problems.append(Problem(where, file, "is encrypted by ansible-vault", remedy))
    if problems:
        raise InvalidInput(problems)


def hidden(text: str, values: t.Any) -> str:
    """A message of helm without the values that are secret by the name of their key."""
    for secret in sorted(_secrets(values, False), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(value: t.Any, below: bool) -> t.Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _secrets(part, below or bool(_SECRET_KEY.search(str(key))))
    elif isinstance(value, list):
        for part in value:
            yield from _secrets(part, below)
    elif below and isinstance(value, (str, int, float)) and len(str(value)) >= _SHORTEST_SECRET:
        yield str(value)


def _annotations(obj: t.Mapping[str, t.Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def _is_test(hook: str) -> bool:
    return {part.strip() for part in str(hook).split(",")} <= _TESTS


def _as_object(obj: Object) -> Object:
    kept = {key: value for key, value in _annotations(obj).items() if not key.startswith(_HOOK)}
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}
