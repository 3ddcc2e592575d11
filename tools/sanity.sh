#!/usr/bin/env bash
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# sanity.sh [ARGUMENTS of ansible-test sanity]
# ansible-test wants the collection to be a real directory below ansible_collections: it gets a copy of what ships
# (files not committed yet included), in a Git repository of its own so that it does not find this one.
# What it keeps in the home directory stays in .cache/.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$PWD/.cache/sanity/home
copy=$PWD/.cache/sanity/ansible_collections/lodestar/platform

mkdir -p "$home"
exec 9>"$home/lock" # one run at a time in a checkout
flock 9
rm -rf "$copy"
mkdir -p "$copy" "$home/.ansible/test/cache"
git ls-files -z --cached --others --exclude-standard -- \
    meta plugins roles playbooks docs changelogs extensions tests/sanity tests/config.yml \
    galaxy.yml README.md COPYING requirements.txt \
    | while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done \
    | tar --create --null --files-from=- | tar --extract --directory "$copy"

python_version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
pip_version=$(python -c '
import sys, types
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(types.SimpleNamespace(version=sys.argv[1]))["pip"])' "$python_version")
cp tools/get_pip.py "$home/.ansible/test/cache/get_pip_${pip_version//./_}.py"

for config in "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf"; do
    if [ -e "$config" ]; then export PIP_CONFIG_FILE="${PIP_CONFIG_FILE:-$config}"; fi
done
export PIP_CACHE_DIR="${PIP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pip}"
export HOME=$home
cd "$copy"
git init --quiet
exec ansible-test sanity --local --python "$python_version" --color no --skip-test pslint "$@"
