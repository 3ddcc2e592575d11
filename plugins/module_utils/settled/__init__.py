# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which attached clusters have nothing to do: one look at all of them, side by side, in one task.

Knows the operations that hold a cluster to its declaration, and what each is told. It acts on nothing: a cluster that
is not settled is left to those operations' own tasks. Private to the collection.
"""
