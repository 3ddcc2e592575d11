# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that kube-vip on a control plane proves itself with. Private to the collection."""

from __future__ import annotations

import typing as t

from . import host, kubeadm, paths, settings


def write(cluster: t.Mapping[str, t.Any], images: t.Mapping[str, str]) -> None:
    """Gives kube-vip on this control plane a certificate of its own, for a year."""
    host.make_directory(host.RUN_DIRECTORY, 0o700)
    path = f"{host.RUN_DIRECTORY}/kubeconfig.yaml"
    configuration = kubeadm.cluster_configuration(cluster, images)
    host.write(path, kubeadm.render([configuration]), 0o600)
    try:
        arguments = ["--config", path, "--client-name", settings.KUBE_VIP_USER, "--validity-period", "8760h"]
        host.write(paths.KUBE_VIP_CONF, host.run([paths.KUBEADM, "kubeconfig", "user", *arguments]).stdout, 0o600)
    finally:
        host.remove(path)
