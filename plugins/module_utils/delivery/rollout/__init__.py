# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a changed delivery comes to its clusters: strategy, order, pace, what is kept of it, and back again.

Uses the words of OCM's RolloutStrategy. Private to the collection.
"""
