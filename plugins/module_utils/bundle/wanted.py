# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator asks of a bundle, checked and with defaults filled in. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidInput, Problem
from . import registry
from .catalog import REPOSITORIES
from .pull import DEFAULT, Sources

_VERSION = re.compile(r"1\.\d+\.\d+")
_NEEDS = {
    "mirror": "Set mirror to a directory or http(s) URL, or take another source",
    "upstream": "Set upstream.kubernetes to the base URL of a release server, or upstream.images to registries",
}


@dataclass(frozen=True)
class Wanted:
    """A wanted bundle.

    :param versions: Kubernetes versions in ascending order.
    :param source: ``auto``, ``mirror``, ``upstream`` or ``build``.
    :param mirror: directory or URL, empty for none.
    :param upstream: base URL of release servers by name.
    :param images: where images are pulled from.
    """

    path: Path
    versions: tuple[str, ...]
    architecture: str
    source: str
    mirror: str
    upstream: t.Mapping[str, str]
    images: Sources
    cache: Path
    keep_go_cache: bool
    verify: bool


def in_order(versions: t.Iterable[str]) -> tuple[str, ...]:
    """Kubernetes versions without repetition, the lowest first."""
    return tuple(sorted(set(versions), key=lambda version: [int(number) for number in version.split(".")]))


def default_cache(environ: t.Mapping[str, str]) -> Path:
    """Where caches are kept when nothing else is said: ``lodestar`` in the user's cache directory (XDG)."""
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "lodestar"


def check(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Wanted:
    """Checks the module's arguments.

    :raises InvalidInput: naming every problem.
    """
    problems = _problems(params)
    if problems:
        raise InvalidInput(problems)
    cache = Path(params["cache_dir"]).expanduser() if params.get("cache_dir") else default_cache(environ)
    upstream = params.get("upstream") or {}
    path = Path(params["path"]).expanduser() if params.get("path") else cache / "bundle"
    return Wanted(
        path=path.absolute(),
        versions=in_order(params["kubernetes_versions"]),
        architecture=params["architecture"],
        source=params["source"],
        mirror=params.get("mirror") or "",
        upstream={name: url for name, url in upstream.items() if url and name != "images"},
        images=_sources(upstream.get("images") or {}, params.get("registry_logins") or {}),
        cache=cache.absolute(),
        keep_go_cache=params["keep_go_cache"],
        verify=params["verify"],
    )


def _problems(params: t.Mapping[str, t.Any]) -> list[Problem]:
    versions, source = params["kubernetes_versions"], params["source"]
    problems = [
        Problem(
            "kubernetes_versions",
            version,
            "not a full Kubernetes version",
            'Write it in full and quoted, such as "1.36.3"',
        )
        for version in versions
        if not _VERSION.fullmatch(version)
    ]
    if not versions:
        reason = "no version was asked for, and no cluster of the inventory declares one"
        problems.append(Problem("kubernetes_versions", versions, reason, "Name at least one Kubernetes version"))
    if source in _NEEDS and not params.get(source):
        problems.append(Problem(source, params.get(source), f"the source {source} needs it", _NEEDS[source]))
    upstream = params.get("upstream") or {}
    return [*problems, *_image_problems(upstream.get("images") or {}), *_login_problems(params)]


def _sources(images: t.Mapping[str, t.Any], logins: t.Mapping[str, t.Any]) -> Sources:
    places = {str(name): place for name, text in images.items() if (place := registry.parse(str(text)))}
    return Sources(places, {str(host): (str(it["username"]), str(it["password"])) for host, it in logins.items()})


def _image_problems(images: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    known = (DEFAULT, *sorted(REPOSITORIES))
    for name, text in images.items():
        key, place = f"upstream.images.{name}", registry.parse(str(text))
        if name not in known:
            yield Problem(key, name, "the bundle has no such image", f"Use one of {', '.join(known)}")
        elif place is None:
            value = "(with a login)" if "@" in str(text).partition("@sha256:")[0] else text
            remedy = "Write [http://]host[:port]/repository[:tag][@sha256:...], and logins in registry_logins"
            yield Problem(key, value, "not a place in a registry", remedy)
        elif name == DEFAULT and (place.tag or place.digest):
            yield Problem(key, text, "a tag cannot be that of every image", "Leave it out, or set it for one image")
        elif name != DEFAULT and not place.repository:
            yield Problem(key, text, "there is no repository in it", "Write host/repository")


def _login_problems(params: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    for host, login in (params.get("registry_logins") or {}).items():
        if not isinstance(login, dict) or set(login) != {"username", "password"} or ":" in str(login["username"]):
            reason = "not a mapping of username (without a colon) and password"
            yield Problem(f"registry_logins.{host}", "(not shown)", reason, "Give both, and nothing else")
