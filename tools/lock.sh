#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Writes requirements.lock and requirements-go.lock anew: every version pinned, every file with its hashes.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.cache/uv/bin/uv
[ -x "$uv" ] || { .venv/bin/python -m venv .cache/uv && .cache/uv/bin/pip install --quiet uv; }
for name in requirements requirements-go; do
    "$uv" pip compile "$name.in" --output-file "$name.lock" --quiet --upgrade --universal --python-version 3.11 \
        --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
done
