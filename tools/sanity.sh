#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# sanity.sh [ARGUMENTS of ansible-test sanity]
# ansible-test wants the collection to be a real directory below ansible_collections: it gets a copy of what ships
# (files not committed yet included), in a Git repository of its own so that it does not find this one.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=.cache/sanity/ansible_collections/lodestar/platform
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard -- \
    meta plugins roles playbooks docs changelogs extensions tests/sanity tests/config.yml \
    galaxy.yml README.md CHANGELOG.rst COPYING requirements.txt \
    | while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done \
    | tar --create --null --files-from=- | tar --extract --directory "$copy"
cd "$copy"
git init --quiet
python_version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
exec ansible-test sanity --local --python "$python_version" --color no --skip-test pslint "$@"
