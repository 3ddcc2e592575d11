# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real API servers for tests: kube-apiserver and etcd of the bundle, on free ports of 127.0.0.1, in seconds."""
