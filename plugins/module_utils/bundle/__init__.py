# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artifacts: which ones a Kubernetes version needs, where they come from, how they are built, kept and verified.

Knows nothing of clusters and machines. Private to the collection.
"""
