# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster serves, as templates of charts are told it. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from .client import Client

#: The version of Kubernetes, and C(v1), C(apps/v1), C(apps/v1/Deployment) and so on, sorted.
Capabilities = tuple[str, tuple[str, ...]]

#: They become arguments of a program.
_API = re.compile(r"[A-Za-z0-9][-.A-Za-z0-9]{0,252}(/[A-Za-z0-9][-.A-Za-z0-9]{0,252}){0,2}")
_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)


def capabilities(client: Client) -> Capabilities:
    """The version and the APIs of a cluster: three requests, one more for each API of a cluster before 1.26.

    :raises errors.ApiError: it does not answer, or refuses to.
    """
    version = str(client.version()["gitVersion"])
    found: set[str] = set()
    for path in ("/api", "/apis"):
        answer = client.request("GET", path, accept=f"{_AGGREGATED},application/json")
        found |= set(_listed(client, answer))
    return version, tuple(sorted(api for api in found if _API.fullmatch(api)))


def _listed(client: Client, answer: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if answer.get("kind") == "APIGroupDiscoveryList":
        for group in answer.get("items") or ():
            name = str(group["metadata"].get("name") or "")
            for item in group.get("versions") or ():
                api = f"{name}/{item['version']}" if name else str(item["version"])
                yield api
                yield from (f"{api}/{one['responseKind']['kind']}" for one in item.get("resources") or ())
        return
    known = [str(item) for item in answer.get("versions") or ()]
    known += [str(item["groupVersion"]) for group in answer.get("groups") or () for item in group["versions"]]
    for api in known:
        yield api
        yield from (f"{api}/{kind}" for kind in client.served(api) or ())
