#!/usr/bin/env bash
# Installs what the build needs (packages.txt, or the list that is named) on Debian and its relatives.
# Where everything is there it takes a moment, and needs neither a network nor any rights.
set -euo pipefail

list="${1:-$(dirname "${BASH_SOURCE[0]}")/packages.txt}"
mapfile -t packages < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$list")

if ! command -v dpkg-query >/dev/null; then
  echo "Not a Debian system: install the equivalents of these, then configure with CMake: ${packages[*]}" >&2
  exit 0
fi

missing=()
installed="$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)"
for package in "${packages[@]}"; do
  grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing, and sudo is too. As root, run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
# A list that cannot be refreshed may still do: whether it does, the installation shows.
"${as_root[@]}" apt-get update -qq || true
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
