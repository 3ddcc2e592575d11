# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of the whole fleet: collected from the hub and its clusters, judged, and written down.

C(collect) and C(live) read, C(judge) says what needs attention, C(document) is the data (its shape is C(schema.json)),
C(picture) draws, C(render) writes HTML, JSON and Markdown. Private to the collection.
"""
