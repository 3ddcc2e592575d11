# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of objects on many clusters: what each cluster gets, where it goes, and how it leaves clusters again.

Knows the hub's placements and the apply engine. It acts on clusters side by side, and keeps on the hub where a delivery
is. Private to the collection.
"""
