# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talks to a Kubernetes API server: connection, client, comparison, server-side apply of a set, waiting.

Knows the Kubernetes API and nothing of clusters, tenants or policies. Private to the collection.
"""
