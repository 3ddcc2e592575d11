# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials from an exec plugin, once the operator has allowed one. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import PlatformError

try:
    from kubernetes.config import config_exception, exec_provider, kube_config
except ImportError:
    HAS_KUBERNETES = False
else:
    HAS_KUBERNETES = True


def credential(declared: t.Any, cluster: t.Mapping[str, t.Any]) -> dict[str, str]:
    """What the plugin answers: C(token), or C(clientCertificateData) and C(clientKeyData), and C(expirationTimestamp).

    :param declared: the C(exec) part of a kubeconfig's user.
    :param cluster: the cluster's part, which the plugin may ask for.
    :raises PlatformError: the plugin cannot be run or fails. What it printed is not shown: it may be a secret.
    """
    if not HAS_KUBERNETES:
        raise PlatformError(
            "An exec credential plugin needs the Python package kubernetes. Install it where this task runs."
        )
    command = declared.get("command") if isinstance(declared, dict) else None
    try:
        node: t.Any = kube_config.ConfigNode
        plugin: t.Any = exec_provider.ExecProvider
        status = plugin(node("exec", declared), None, node("cluster", dict(cluster))).run()
    except (config_exception.ConfigException, OSError, ValueError, KeyError) as exc:
        raise PlatformError(f"The kubeconfig's exec plugin {command} failed: {type(exc).__name__}") from None
    return {str(key): str(value) for key, value in dict(status).items() if value}
