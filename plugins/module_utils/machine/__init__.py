# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine is and what it should be: probe, container runtime, kubeadm, kube-vip, etcd.

Runs on machines and imports the standard library only. Knows nothing of tenants, of the fleet beside its own cluster,
or of the bundle's layout. Rendering and deciding are pure functions; input and output live in ``host``, ``kubeapi``
and ``lock``. Private to the collection.
"""
