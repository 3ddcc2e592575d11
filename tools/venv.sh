#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# venv.sh PYTHON VENV LOCK: makes VENV hold exactly what LOCK names, each file checked against its hash.
set -euo pipefail

python=$1 venv=$2 lock=$3

if [ -z "$python" ]; then
    echo "No Python of version 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$venv/bin/python" -c 'import sys; raise SystemExit(sys.version_info[:2] < (3, 11))' 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --requirement "$lock"
