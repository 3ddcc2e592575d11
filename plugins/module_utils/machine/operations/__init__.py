# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations behind the modules that run on machines: arguments in, plan out. Private to the collection.

A module takes only its own with it to the machine, and what that needs.
"""
