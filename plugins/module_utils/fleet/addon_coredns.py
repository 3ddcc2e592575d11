# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kubeadm leaves out of CoreDNS. Pure. Private to the collection."""

from __future__ import annotations

from .addon import Object, budget


def objects() -> list[Object]:
    """A budget: a drain must not take all of a cluster's names at once."""
    return [budget("coredns", {"k8s-app": "kube-dns"})]
