# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential of a cluster that is to be attached, as far as the declaration may know it: which parts are given.

No value of it ever comes here. It is needed when a cluster is attached and when its access is made anew, so that most
runs need none. Pure. Private to the collection.
"""

from __future__ import annotations

from ..errors import Problem
from .inventory_fields import Fields

#: Variables of a cluster host that are only looked at for whether they are there.
SECRET_KEYS = ("kubeconfig", "cluster_credential")
#: What C(cluster_credential) may hold, as the modules call it.
PARTS = ("host", "ca_cert", "api_key", "username", "password")
_WAYS = "host with api_key, or for OpenShift host with username and password"


def read(fields: Fields, created: bool) -> bool:
    """Whether a credential is given; what is wrong with it is noted.

    C(kubeconfig) is true where there is one, C(cluster_credential) a list of its keys, or true where a template hides
    them.
    """
    kubeconfig, parts = fields.values.get("kubeconfig"), fields.values.get("cluster_credential")

    def wrong(reason: str, remedy: str) -> None:
        fields.problems.append(Problem(f"{fields.where}cluster_credential", "(not shown)", reason, remedy))

    if created:
        if parts:
            wrong("is for clusters to attach", "Remove it, or use cluster_mode: attach")
        return False
    if kubeconfig and parts:
        wrong("kubeconfig is given as well, and it would not be clear which one counts", "Give one of the two")
    if isinstance(parts, (dict, list)):
        _check(Fields(f"{fields.where}cluster_credential.", dict.fromkeys(parts), fields.problems), set(parts))
    elif parts and parts is not True:
        wrong("must be a mapping", f"Give {_WAYS}")
    return bool(kubeconfig or parts)


def _check(part: Fields, given: set[str]) -> None:
    part.only(PARTS)
    ways = [{"api_key"}, {"username", "password"}]
    secrets = given & {"api_key", "username", "password"}
    if secrets not in ways:
        part.wrong("api_key", "must be given, or both username and password, and not all of them", f"Give {_WAYS}")
    if "host" not in given:
        part.wrong("host", "is needed: the address of the cluster's API server", f"Give {_WAYS}")
