# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exceptions from a policy: with an owner, a reason and an end. Pure. Private to the collection.

CEL has no clock, but the API server stamps every new object before policies see it: an exception that has ended lets no
new object through, whether or not a run has come since. For changes of older objects it ends with the next run, which
leaves it out of the policy.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, TENANT_LABEL, Reader
from .rules.custom import ONE_LINE
from .rules.rule import literal

KEYS = ("owner", "reason", "until", "namespaces", "tenants", "names")
_SCOPE = ("namespaces", "tenants", "names")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?|[a-z0-9][-a-z0-9.]*\*")
_NAME_RULE = "the name of an object, or its beginning with '*' behind it: importer, importer-*"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})")
_WHEN = "is not a date (RFC 3339)"
_WHEN_REMEDY = "write '2026-12-31', which counts to its end in UTC, or '2026-12-31T18:00:00Z'"


@dataclass(frozen=True)
class Waiver:
    """An exception: who answers for it, why it is there, when it ends, and the objects that it is for.

    An object is meant when it is in one of the namespaces, of one of the tenants and has one of the names, as far as
    these are given.
    """

    owner: str
    reason: str
    until: datetime.datetime
    namespaces: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What it is for, in words."""
        parts = [f"{part} {', '.join(getattr(self, part))}" for part in _SCOPE if getattr(self, part)]
        return "; ".join(parts)

    @property
    def end(self) -> str:
        """Its end in UTC, RFC 3339."""
        return f"{self.until:%Y-%m-%dT%H:%M:%SZ}"

    def state(self, now: datetime.datetime, days: int) -> str:
        """C(active), C(ending) within these days, or C(ended)."""
        if now >= self.until:
            return "ended"
        return "ending" if now + datetime.timedelta(days=days) >= self.until else "active"


def read(value: t.Any, reader: Reader, key: str) -> tuple[Waiver, ...]:
    """The C(exceptions) of a policy; problems are left with the reader."""
    return tuple(_read_one(item, reader, f"{key}[{place}]") for place, item in enumerate(reader.sequence(value, key)))


def _read_one(item: t.Any, reader: Reader, key: str) -> Waiver:
    item = reader.mapping(item, key, KEYS)
    found = Waiver(
        owner=reader.text(item.get("owner"), f"{key}.owner", ONE_LINE, "who answers for it, in one line"),
        reason=reader.text(item.get("reason"), f"{key}.reason", ONE_LINE, "why it is needed, in one line", 1024),
        until=_moment(item.get("until"), reader, f"{key}.until"),
        namespaces=tuple(reader.texts(item.get("namespaces"), f"{key}.namespaces", DNS_LABEL, DNS_LABEL_RULE, 63)),
        tenants=tuple(reader.texts(item.get("tenants"), f"{key}.tenants", DNS_LABEL, DNS_LABEL_RULE, 63)),
        names=tuple(reader.texts(item.get("names"), f"{key}.names", _NAME, _NAME_RULE)),
    )
    if not any(item.get(part) for part in _SCOPE):
        remedy = f"name some of {', '.join(_SCOPE)}, or set the policy's mode to audit"
        reader.problem(key, found.reason, "an exception for everything is none", remedy)
    return found


def _moment(value: t.Any, reader: Reader, key: str) -> datetime.datetime:
    """Until when. YAML makes a date of what is not quoted."""
    text = value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else value
    try:
        if isinstance(text, str) and _DAY.fullmatch(text):
            day = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
            return day + datetime.timedelta(days=1)
        if isinstance(text, str) and _MOMENT.fullmatch(text):
            return datetime.datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        pass
    reader.problem(key, value, _WHEN, _WHEN_REMEDY)
    return datetime.datetime.max.replace(tzinfo=datetime.UTC)


def notes(policy: str, waivers: t.Sequence[Waiver], now: datetime.datetime, days: int) -> list[str]:
    """What an operator should know: exceptions that end within these days, and those that have ended."""
    told = []
    for waiver in waivers:
        state = waiver.state(now, days)
        what = f"policy {policy}: the exception for {waiver.subject} (owner {waiver.owner}: {waiver.reason})"
        if state == "ended":
            told.append(f"{what} ended at {waiver.end} and counts no longer: remove it from the declaration")
        elif state == "ending":
            left = (waiver.until - now).total_seconds() / 86400
            told.append(f"{what} ends at {waiver.end}, in {left:.1f} day(s): settle it, or give it another end")
    return told


def as_data(policy: str, waiver: Waiver, now: datetime.datetime, days: int) -> dict[str, t.Any]:
    """An exception as results show it."""
    return {
        "policy": policy,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "until": waiver.end,
        "state": waiver.state(now, days),
        **{part: list(getattr(waiver, part)) for part in _SCOPE},
    }


def expression(waivers: t.Sequence[Waiver]) -> str:
    """CEL: the object is meant by one of these exceptions, and it had not ended when the object was made."""
    return " || ".join(f"({_one(waiver)})" for waiver in waivers)


_SUBJECT = "variables.subject"
#: What :func:`expression` looks at.
VARIABLE = ("subject", "object == null ? dyn(oldObject) : dyn(object)")


def _one(waiver: Waiver) -> str:
    made = f"{_SUBJECT}.metadata.creationTimestamp"
    parts = [
        f"(request.operation != 'CREATE' || !has({made}) || {made} == null"
        f" || timestamp({made}) < timestamp({literal(waiver.end)}))"
    ]
    # What is connected with has no metadata: the request says which object is meant.
    told = f"has({_SUBJECT}.metadata) && has({_SUBJECT}.metadata."
    named = f"({told}name) ? {_SUBJECT}.metadata.name : request.operation == 'CONNECT' ? request.name : '')"
    if waiver.namespaces:
        # A Namespace is in itself.
        elsewhere = f"request.operation == 'CONNECT' ? request.namespace : {named}"
        place = f"({told}namespace) ? {_SUBJECT}.metadata.namespace : {elsewhere})"
        parts.append(f"{place} in {literal(waiver.namespaces)}")
    if waiver.tenants:
        home = f"({_SUBJECT}.kind == 'Namespace' ? {_SUBJECT} : dyn(namespaceObject))"
        label = literal(TENANT_LABEL)
        parts.append(
            f"{home} != null && has({home}.metadata.labels) && {label} in {home}.metadata.labels"
            f" && {home}.metadata.labels[{label}] in {literal(waiver.tenants)}"
        )
    if waiver.names:
        whole = [name for name in waiver.names if not name.endswith("*")]
        begun = [name[:-1] for name in waiver.names if name.endswith("*")]
        parts.append(f"({named} in {literal(whole)} || {literal(begun)}.exists(begin, {named}.startsWith(begin)))")
    return " && ".join(parts)
