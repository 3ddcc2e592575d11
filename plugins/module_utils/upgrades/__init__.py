# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an upgrade goes over the fleet: which clusters are taken together, and whether the next ones may begin.

Uses the strategies of deliveries. What happens inside of a cluster is C(machine)'s. Private to the collection.
"""
