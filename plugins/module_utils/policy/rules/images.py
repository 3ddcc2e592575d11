# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about images. Pure. Private to the collection."""

from __future__ import annotations

import re

from ...kube.image_names import REGISTRY, canonical, images, in_full
from .parameters import Parameter, Values
from .rule import Rule, listed, literal

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def _foreign(at: str, values: Values) -> str:
    prefixes = [prefix for registry in values["registries"] for prefix in _prefixes(registry)]
    allowed = f"{literal(prefixes)}.exists(prefix, (image + '@').startsWith(prefix))"
    return f"{in_full(images(at))}.filter(image, !{allowed})"


def _prefixes(registry: str) -> list[str]:
    """What an allowed image begins with: the name is cut at a boundary, so that a longer host or path does not pass.

    C(reg.local) ends at the slash, hence neither reg.local.evil nor reg.local:5000 is it; a path ends at a slash, a tag
    or a digest (an image without either is compared with an @ behind it).
    """
    host, slash, path = canonical(registry).partition("/")
    if not slash:
        return [f"{host}/"]
    return [f"{host}/{path}{boundary}" for boundary in ("/", ":", "@")]


def _moving(at: str, values: Values) -> str:
    tags = [f":{tag}" for tag in values["tags"]]
    named = f"image.matches(':[^/:@]+$') && !{literal(tags)}.exists(tag, image.endsWith(tag))"
    return f"{images(at)}.filter(image, !(image.contains('@') || {named}))"


def _undigested(at: str, _values: Values) -> str:
    return f"{images(at)}.filter(image, !image.matches('@sha(256:[0-9a-f]{{64}}|512:[0-9a-f]{{128}})$'))"


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
                pattern=REGISTRY,
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
