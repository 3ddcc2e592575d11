# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the machines of a cluster reach registries: mirrors and proxy of the declaration. Pure.

Private to the collection.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from ..errors import Problem
from . import inventory_fields as f
from .inventory_fields import Fields, kind_of

#: A registry as images name it, with its port; _default stands for every one without mirrors of its own.
_REGISTRY = re.compile(
    r"_default|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-f:]+\](?::[0-9]{1,5})?"
)
#: What NO_PROXY takes: a name, with a dot before it for all below, an address or a range, with a port or without.
_NO_PROXY = re.compile(r"[A-Za-z0-9.:*/\[\]_-]{1,255}")
_MIRROR_KEYS = ("url", "ca_file", "override_path")


def is_url(text: str) -> bool:
    """True for an HTTP or HTTPS URL without credentials, query and fragment."""
    try:
        parts = urllib.parse.urlsplit(text)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = re.fullmatch(r"[!-~]+", text) is not None and not set(text) & set("\"'\\`$<>{}|^@")
    return plain and port_fits and parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query


def mirrors(fields: Fields, key: str) -> dict[str, list[dict[str, t.Any]]]:
    """Registry to its mirrors, each with C(url), C(ca_file), C(override_path); a URL alone leaves the others unset."""
    part = Fields(f"{fields.where}{key}.", fields.mapping(key), fields.problems)
    answer = {}
    for registry in part.values:
        if not _REGISTRY.fullmatch(registry):
            part.wrong(
                registry, "is not the name of a registry, such as docker.io or registry.example:5000", "Correct it"
            )
            continue
        items = part.items(registry)
        answer[registry] = [_mirror(part, registry, index, item) for index, item in enumerate(items)]
        if not items and isinstance(part.values[registry], list):
            part.wrong(registry, "has no mirror", "Name one, or remove the registry")
    return answer


def _mirror(part: Fields, registry: str, index: int, item: t.Any) -> dict[str, t.Any]:
    where = f"{part.where}{registry}[{index}]"
    if not isinstance(item, (str, t.Mapping)):
        problem = Fields(f"{part.where}", {f"{registry}[{index}]": item}, part.problems)
        problem.wrong(f"{registry}[{index}]", f"must be a URL or a mapping, but is {kind_of(item)}", "Correct it")
        return {"url": "", "ca_file": None, "override_path": False}
    mirror = Fields(f"{where}.", {"url": item} if isinstance(item, str) else item, part.problems)
    mirror.only(_MIRROR_KEYS)
    if not mirror.given("url"):
        mirror.wrong("url", "is required", "Set it to where the mirror is, such as https://mirror.example:5000")
    return {
        "url": _url(mirror, "url") or "",
        "ca_file": mirror.text("ca_file", f.PATH, "the path of a file on the machines"),
        "override_path": mirror.flag("override_path", False),
    }


def _url(fields: Fields, key: str) -> str | None:
    """An HTTP or HTTPS URL. What may hold a password is not shown."""
    value = fields.values.get(key)
    if isinstance(value, str) and "@" in value:
        reason = "holds credentials, and the files that it is written to are no place for them"
        fields.problems.append(Problem(fields.where + key, "(not shown)", reason, "Remove user and password"))
        return None
    return fields.text(key, is_url, "an HTTP or HTTPS URL")


def proxy(fields: Fields, key: str) -> dict[str, t.Any]:
    """C(http), C(https) and C(no_proxy), or empty. The drop-in of a service is no place for a password."""
    if not fields.given(key):
        return {}
    part = fields.section(key, ("http", "https", "no_proxy"))
    answer = {name: _url(part, name) for name in ("http", "https")}
    excepted = part.strings("no_proxy", _NO_PROXY, "a name, an address or a range")
    if not any(part.given(name) for name in answer):
        fields.wrong(key, "names no proxy", "Set http, https, or both, or remove it")
    return {**answer, "no_proxy": excepted}
