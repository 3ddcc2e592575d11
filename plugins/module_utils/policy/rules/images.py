# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about images. Pure. Private to the collection."""

from __future__ import annotations

import re

from .parameters import Parameter, Values
from .rule import CONTAINERS, Rule, listed, literal, within_spec

_DOMAIN = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
#: A registry host with an optional port, and an optional path. A host has a dot or a port, or is localhost
#: (distribution/reference).
_REGISTRY = re.compile(
    rf"(?:localhost|{_DOMAIN}(?:\.{_DOMAIN})+|(?:{_DOMAIN}(?:\.{_DOMAIN})*|\[[a-fA-F0-9:]+\])(?=:))"
    r"(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def _images(at: str) -> str:
    """CEL: the images of all containers and of image volumes."""
    lists = [
        f"(has({at}.spec.{name}) ? {at}.spec.{name}.filter(c, has(c.image)).map(c, c.image) : [])"
        for name in CONTAINERS
    ]
    lists.append(
        f"(has({at}.spec.volumes) ? {at}.spec.volumes.filter(c, has(c.image) && has(c.image.reference))"
        ".map(c, c.image.reference) : [])"
    )
    return within_spec(at, f"({' + '.join(lists)})")


#: The first part is a host when it has a dot, a port or a capital, or is localhost (distribution/reference).
_HOSTED = "image.matches('^[^/]*[.:A-Z][^/]*/') || image.startsWith('localhost/') ? image : 'docker.io/' + image"
#: index.docker.io is docker.io, and an image there without a path is in library/.
_NAMED = (
    "image.startsWith('index.docker.io/') ? (image.substring(16).contains('/') ? 'docker.io/' : 'docker.io/library/')"
    " + image.substring(16)"
    " : image.startsWith('docker.io/') && !image.substring(10).contains('/')"
    " ? 'docker.io/library/' + image.substring(10) : image"
)


def _foreign(at: str, values: Values) -> str:
    prefixes = [prefix for registry in values["registries"] for prefix in _prefixes(registry)]
    allowed = f"{literal(prefixes)}.exists(prefix, (image + '@').startsWith(prefix))"
    return f"{_images(at)}.map(image, {_HOSTED}).map(image, {_NAMED}).filter(image, !{allowed})"


def _prefixes(registry: str) -> list[str]:
    """What an allowed image begins with: the name is cut at a boundary, so that a longer host or path does not pass.

    C(reg.local) ends at the slash, hence neither reg.local.evil nor reg.local:5000 is it; a path ends at a slash, a tag
    or a digest (an image without either is compared with an @ behind it).
    """
    host, slash, path = registry.partition("/")
    host = "docker.io" if host == "index.docker.io" else host
    if not slash:
        return [f"{host}/"]
    return [f"{host}/{path}{boundary}" for boundary in ("/", ":", "@")]


def _moving(at: str, values: Values) -> str:
    tags = [f":{tag}" for tag in values["tags"]]
    named = f"image.matches(':[^/:@]+$') && !{literal(tags)}.exists(tag, image.endsWith(tag))"
    return f"{_images(at)}.filter(image, !(image.contains('@') || {named}))"


def _undigested(at: str, _values: Values) -> str:
    return f"{_images(at)}.filter(image, !image.matches('@sha(256:[0-9a-f]{{64}}|512:[0-9a-f]{{128}})$'))"


RULES = (
    Rule(
        "allowed_registries",
        "images come from the listed registries",
        _foreign,
        "not from an allowed registry",
        lambda values: f"use an image from {listed(values['registries'])}, or ask for an exemption",
        parameters=(
            Parameter(
                "registries",
                "texts",
                pattern=_REGISTRY,
                rule="a registry is a host with a dot or a port, or localhost, and optionally a path:"
                " reg.example.org, reg:5000/team",
                needed="list the registries that images may come from, docker.io included if they may",
            ),
        ),
    ),
    Rule(
        "no_latest_tag",
        "images have a tag that does not move, or a digest",
        _moving,
        "images with a tag that moves, or with none",
        lambda values: f"name a version or a digest; not allowed: no tag, {listed(values['tags'])}",
        parameters=(
            Parameter(
                "tags",
                "texts",
                default=["latest"],
                pattern=_TAG,
                rule="a tag as in an image: latest, main",
                needed="list the tags that move, or leave it out for latest",
            ),
        ),
    ),
    Rule(
        "digest_only",
        "images are named by digest",
        _undigested,
        "images without a digest",
        lambda values: "name the image as name@sha256:...",
    ),
)
