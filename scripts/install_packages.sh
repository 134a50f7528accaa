#!/bin/sh
# Installs the Debian packages that fqt needs and this machine lacks.
#
#   scripts/install_packages.sh [GROUP]...      groups of scripts/packages.txt; "build" if none is given
#
# Installs as root, or through sudo. Where it can do neither, it prints the command to run and exits 1.
# INSTALL=no skips the check, for a machine that has the libraries from elsewhere.
set -eu

[ "${INSTALL:-yes}" = no ] && exit 0
list=$(dirname "$0")/packages.txt
groups=${*:-build}
wanted=$(awk -v groups=" $groups " '$1 !~ /^#/ && NF && index(groups, " " $1 " ") { print $2 }' "$list")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "Not a Debian machine: nothing is installed. What is needed, by the names of Debian's packages:" $wanted >&2
  exit 0
fi

# One query for all packages. It fails where one is unknown, and still prints the others.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
  sed -n 's/ installed$//p') || true
missing=
for package in $wanted; do
  case "
$installed
" in
    *"
$package
"*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -z "$missing" ] && exit 0
missing=${missing# }

if command -v sudo >/dev/null; then
  by_hand="sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends $missing'"
else
  by_hand="apt-get update && apt-get install -y --no-install-recommends $missing"
fi

give_up() {
  {
    echo "$1 Run this$(command -v sudo >/dev/null || echo ' as root'), then make again:"
    echo
    echo "  $by_hand"
    echo
    echo "(With these libraries from elsewhere: make INSTALL=no.)"
  } >&2
  exit 1
}

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root="sudo -n"
elif command -v sudo >/dev/null && [ -t 0 ]; then
  as_root=sudo
else
  give_up "Packages are missing, and only root can install them."
fi

apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2
}
install() {
  apt install -y --no-install-recommends "$@" $missing
}

echo "Installing Debian packages: $missing" >&2
# A fresh machine has no package lists, and old lists name files that are gone: refresh them only then.
if ! install --simulate >/dev/null 2>&1; then
  apt update || give_up "apt-get update failed."
  install || give_up "apt-get install failed."
elif ! install; then
  apt update || give_up "apt-get update failed."
  install || give_up "apt-get install failed."
fi
