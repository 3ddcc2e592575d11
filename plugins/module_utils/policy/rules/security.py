# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what containers may do: the fields of their security contexts. Pure. Private to the collection."""

from __future__ import annotations

import re

from .parameters import Parameter, Values
from .rule import CONTAINERS, Rule, each, listed, literal, no_windows, reached, within_spec

_CAPABILITY = re.compile(r"[A-Z][A-Z0-9_]*")
_CAPABILITY_RULE = "a capability in capitals and without CAP_: NET_BIND_SERVICE"
_CONTEXT = "securityContext"


def _is(path: str, *names: str, value: str = "true") -> str:
    """CEL: a field of the security context of the container or pod has this value."""
    return f"{reached(path, _CONTEXT, *names)} && {'.'.join((path, _CONTEXT, *names))} == {value}"


def _privileged(at: str, _values: Values) -> str:
    host = ("windowsOptions", "hostProcess")
    found = each(at, CONTAINERS, f"{_is('c', 'privileged')} || {_is('c', *host)}", "c.name")
    pod = within_spec(at, f"({_is(f'{at}.spec', *host)} ? ['the pod (hostProcess)'] : [])")
    return f"({found} + {pod})"


def _escalating(at: str, _values: Values) -> str:
    return no_windows(at, each(at, CONTAINERS, f"!({_is('c', 'allowPrivilegeEscalation', value='false')})", "c.name"))


def _capabilities(at: str, values: Values) -> str:
    held = f"c.{_CONTEXT}.capabilities"
    wrong = f"{held}.add.filter(name, !(name in {literal(values['add'])}))"
    adds = f"{reached('c', _CONTEXT, 'capabilities', 'add')} && size({wrong}) > 0"
    lists = [each(at, CONTAINERS, adds, f"c.name + ' (adds ' + {wrong}.join(', ') + ')'")]
    for name in values["drop"]:
        dropped = f"{reached('c', _CONTEXT, 'capabilities', 'drop')} && {held}.drop.exists(name, name in {{}})"
        dropped = dropped.format(literal(sorted({name, "ALL"})))
        lists.append(each(at, CONTAINERS, f"!({dropped})", f"c.name + {literal(f' (does not drop {name})')}"))
    return no_windows(at, f"({' + '.join(lists)})")


def _root(at: str, _values: Values) -> str:
    pod = f"{at}.spec"
    own_user, user = reached("c", _CONTEXT, "runAsUser"), f"c.{_CONTEXT}.runAsUser"
    pod_user = f"{reached(pod, _CONTEXT, 'runAsUser')} && {pod}.{_CONTEXT}.runAsUser"
    is_root = f"({own_user} ? {user} == 0 : {pod_user} == 0)"
    is_user = f"({own_user} ? {user} > 0 : {pod_user} > 0)"
    own = f"{reached('c', _CONTEXT, 'runAsNonRoot')} ? c.{_CONTEXT}.runAsNonRoot == true"
    checked = f"({own} : {_is(pod, 'runAsNonRoot')})"
    return no_windows(at, each(at, CONTAINERS, f"{is_root} || !({checked} || {is_user})", "c.name"))


def _writable(at: str, _values: Values) -> str:
    return no_windows(at, each(at, CONTAINERS, f"!({_is('c', 'readOnlyRootFilesystem')})", "c.name"))


def _capability_advice(values: Values) -> str:
    drop = f"set securityContext.capabilities.drop: [{listed(values['drop'])}]; " if values["drop"] else ""
    return f"{drop}may be added: {listed(values['add'])}"


RULES = (
    Rule(
        "no_privileged_containers",
        "no container is privileged, or a process of a Windows host",
        _privileged,
        "privileged containers",
        lambda values: "leave securityContext.privileged out",
    ),
    Rule(
        "no_privilege_escalation",
        "no process may get more rights than its parent",
        _escalating,
        "containers that may escalate privileges",
        lambda values: "set securityContext.allowPrivilegeEscalation: false on every container",
    ),
    Rule(
        "allowed_capabilities",
        "containers drop these capabilities and add no others than the listed ones",
        _capabilities,
        "capabilities that are not allowed",
        _capability_advice,
        parameters=(
            Parameter("add", "texts", pattern=_CAPABILITY, rule=_CAPABILITY_RULE),
            Parameter("drop", "texts", default=["ALL"], pattern=_CAPABILITY, rule=_CAPABILITY_RULE),
        ),
    ),
    Rule(
        "run_as_non_root",
        "no container runs as root",
        _root,
        "containers that may run as root",
        lambda values: "set securityContext.runAsNonRoot: true, or a runAsUser other than 0, for the pod or on them",
    ),
    Rule(
        "read_only_root_filesystem",
        "containers cannot write to their image's file system",
        _writable,
        "containers that can write to their root file system",
        lambda values: "set securityContext.readOnlyRootFilesystem: true, and write to volumes",
    ),
)
