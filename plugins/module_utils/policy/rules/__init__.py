# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library of rules: one file a family, and C(registry), which knows them all. Pure. Private to the collection.

A rule is data: its parameters (C(parameters)), the requests that it looks at, and CEL that lists what is wrong.
"""
