# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are on a machine: kubeadm's own layout, and ours beside it. Private to the collection."""

from __future__ import annotations

KUBERNETES = "/etc/kubernetes"
PKI = f"{KUBERNETES}/pki"
CA = f"{PKI}/ca.crt"
ADMIN_CONF = f"{KUBERNETES}/admin.conf"
SUPER_ADMIN_CONF = f"{KUBERNETES}/super-admin.conf"
KUBELET_CONF = f"{KUBERNETES}/kubelet.conf"
BOOTSTRAP_CONF = f"{KUBERNETES}/bootstrap-kubelet.conf"
MANIFESTS = f"{KUBERNETES}/manifests"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBELET_PKI = "/var/lib/kubelet/pki"
KUBELET_CLIENT = f"{KUBELET_PKI}/kubelet-client-current.pem"
KUBELET_SERVER = f"{KUBELET_PKI}/kubelet-server-current.pem"
ETCD_DATA = "/var/lib/etcd"
KUBEADM = "/usr/local/bin/kubeadm"
CONTAINERD_SOCKET = "unix:///run/containerd/containerd.sock"

#: Ours, of root only.
SETTINGS = f"{KUBERNETES}/lodestar"
AUDIT_POLICY = f"{SETTINGS}/audit-policy.yaml"
ENCRYPTION = f"{SETTINGS}/encryption.yaml"
AUTHENTICATION = f"{SETTINGS}/authentication.yaml"
KUBE_VIP_CONF = f"{KUBERNETES}/kube-vip.conf"
KUBE_VIP_MANIFEST = f"{MANIFESTS}/kube-vip.yaml"
AUDIT_LOGS = "/var/log/kubernetes/audit"
CLUSTER_RECORD = "/var/lib/lodestar/cluster.json"
ACCESS_RECORD = "/var/lib/lodestar/access.json"

STATIC_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
