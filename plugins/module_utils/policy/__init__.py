# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies -> objects: in-tree ValidatingAdmissionPolicies that no mistake can turn into a lock-out.

C(model), C(cel) and C(render) are pure; C(operate) plans against an API server. Private to the collection.
"""
