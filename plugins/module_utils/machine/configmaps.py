# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMaps in which kubeadm keeps a cluster's settings. Reads only. Private to the collection."""

from __future__ import annotations

import typing as t

from .kubeapi import Api

PATH = "/api/v1/namespaces/kube-system/configmaps/"
#: ConfigMap -> the key that holds the configuration.
KEYS = {"kubeadm-config": "ClusterConfiguration", "kubelet-config": "kubelet", "kube-proxy": "config.conf"}

Maps = dict[str, dict[str, t.Any]]


def read(api: Api) -> Maps:
    """The ConfigMaps by name, C(data) and C(annotations) of each; one that is not there is left out.

    :raises ApiError: the API server does not answer.
    """
    found = {name: api.get(PATH + name) for name in KEYS}
    return {
        name: {"data": item.get("data") or {}, "annotations": item["metadata"].get("annotations") or {}}
        for name, item in found.items()
        if item is not None
    }
