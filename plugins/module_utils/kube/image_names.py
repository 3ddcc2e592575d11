# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of images: what a registry is, and CEL that tells whether images come from allowed ones. Pure.

The expressions use only what Kubernetes 1.30 knows. A name is cut at a boundary, so that a longer host or path does not
pass: C(reg.local) allows neither reg.local.evil nor reg.local:5000. Private to the collection.
"""

from __future__ import annotations

import re

_DOMAIN = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
#: A registry host with an optional port, and an optional path. A host has a dot or a port, or is localhost
#: (distribution/reference).
REGISTRY = re.compile(
    rf"(?:localhost|{_DOMAIN}(?:\.{_DOMAIN})+|(?:{_DOMAIN}(?:\.{_DOMAIN})*|\[[a-fA-F0-9:]+\])(?=:))"
    r"(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def canonical(registry: str) -> str:
    """A registry as images name it once they are written in full."""
    host, slash, path = registry.partition("/")
    return ("docker.io" if host == "index.docker.io" else host) + slash + path


def images(spec: str) -> str:
    """CEL: the images of all containers and image volumes of a pod's spec, as they are written.

    :param spec: an expression for what has the field C(spec), of type dyn.
    """
    lists = [
        f"(has({spec}.spec.{name}) ? {spec}.spec.{name}.filter(item, has(item.image)).map(item, item.image) : [])"
        for name in _CONTAINERS
    ]
    lists.append(
        f"(has({spec}.spec.volumes) ? {spec}.spec.volumes"
        ".filter(item, has(item.image) && has(item.image.reference)).map(item, item.image.reference) : [])"
    )
    return f"(has({spec}.spec) ? {' + '.join(lists)} : [])"


def in_full(names: str) -> str:
    """CEL: a list of images with their hosts and paths written out, as container runtimes do.

    The first part is a host when it has a dot, a port or a capital, or is localhost (distribution/reference).
    """
    hosted = (
        f"{names}.map(image, image.matches('^[^/]*[.:A-Z][^/]*/') || image.startsWith('localhost/')"
        " ? image : 'docker.io/' + image)"
    )
    plain = f"{hosted}.map(image, image.startsWith('index.docker.io/') ? 'docker.io/' + image.substring(16) : image)"
    return (
        f"{plain}.map(image, image.startsWith('docker.io/') && !image.substring(10).contains('/')"
        " ? 'docker.io/library/' + image.substring(10) : image)"
    )


def allowed(registries: str) -> str:
    """CEL: whether C(image), written in full, is from one of a list of registries.

    A path ends at a slash, a tag or a digest.

    :param registries: an expression for the list, each :func:`canonical`.
    """
    return (
        f"{registries}.exists(registry, image.startsWith(registry + '/') || (registry.contains('/')"
        " && (image == registry || image.startsWith(registry + ':') || image.startsWith(registry + '@'))))"
    )
