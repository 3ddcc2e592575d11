# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that is not there yet: plans can be made for it, nothing can be done to it. Private to the collection.

Check mode on empty machines plans the objects of clusters that the same run would bring up first.
"""

from __future__ import annotations

import typing as t

from ..errors import PlatformError
from .applyset import ApplySet
from .client import Client, Objects
from .connection import Connection, resolve
from .resources import Resource
from .session import Call

Object = dict[str, t.Any]

#: The argument beside :data:`connection.ARGUMENTS` that says so.
ARGUMENT: dict[str, t.Any] = {"cluster_exists": {"type": "bool", "default": True}}


#: What whoever makes access to a cluster has made there, before anything else is asked of it.
MADE_WITH_ACCESS = ApplySet("access").namespace


class AbsentCluster(Client):
    """Answers reads as an API server would that holds nothing but the platform's own namespace, which comes with the
    access to it, and fails every other request with the cluster's name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(Connection(server="https://absent.invalid"))
        self.name = name

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """The platform's own namespace, and nothing else."""
        if (kind, name) == ("Namespace", MADE_WITH_ACCESS):
            return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        return None

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Objects:
        """Nothing is there."""
        return []

    def served(self, api_version: str) -> dict[str, Resource] | None:
        """Nothing is known of what it will serve."""
        return None

    def group(self, name: str) -> Object | None:
        """Nothing is known of what it will serve."""
        return None

    def send(self, call: Call) -> t.NoReturn:
        """Nothing can be done."""
        raise PlatformError(
            f"{self.name}: nothing can be done there, since the cluster does not exist or gave us no access. "
            "The messages of the earlier tasks of this run say why.",
            cluster=self.name,
        )


def connect(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str], name: str, **options: t.Any) -> Client:
    """A client for the cluster that the arguments mean, or an :class:`AbsentCluster` with C(cluster_exists=false).

    :param name: the cluster's name, for messages.
    :param options: of :class:`Client`.
    """
    if not params.get("cluster_exists", True):
        return AbsentCluster(name)
    return Client(resolve(params, environ), **options)
