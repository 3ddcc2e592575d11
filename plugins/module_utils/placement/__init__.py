# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Placements -> which clusters, and why: what OCM's placement controller decides, told from the same inputs.

OCM decides, and this package never does in its place: it declares Placements, foretells what OCM makes of them, and
says of each cluster what chose it or kept it out. It knows the hub's objects (Placements, ManagedClusters, sets,
bindings, scores, decisions) and nothing of what is delivered. C(operate) and C(info) talk to the hub, the others
are pure. Tests hold every evaluation against OCM's own controller. Private to the collection.
"""
