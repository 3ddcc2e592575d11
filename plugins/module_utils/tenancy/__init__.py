# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tenants -> objects: what a tenant is, what is wrong with a declared one, and which objects it means in a cluster.

C(model) and C(render) are pure; C(operate) plans against an API server. Private to the collection.
"""
