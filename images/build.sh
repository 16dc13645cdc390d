#!/usr/bin/env bash
# Builds the domain's own images without an image registry, and prints their ids.
#
#   images/build.sh python reader      prints python=sha256:… and reader=sha256:…
#
# README.md has the recipe. Every step is cached by the hash of what it is made from: a second run only asks the engine.
# The same recipe with the same packages gives the same layers, byte for byte, and so the same id.
# $DOCKER_HOST says which engine; without it, engine.sh finds or starts one. $SHUYU_PYTHON is a Python with pip
# (default: the project's .venv); $SHUYU_CACHE holds what was built (default: ~/.cache/shuyu/images).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
cache=${SHUYU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/shuyu/images}
python=${SHUYU_PYTHON:-$here/../.venv/bin/python}
packages=usr/local/lib/python3.11/dist-packages # on the path of Debian's Python, also under -I
suite=bookworm                                  # the suite whose Python is 3.11, which the locks are for

say() { printf '  images: %s\n' "$*" >&2; }

engine() { timeout -k 5 300 docker "$@"; }

recipe() { # the hash of all that an image is made from: the steps, and its folder
  (cd "$here" && cat build.sh && find "$1" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16
}

base_recipe() { # the hash of what the root file system is made from
  declare -f base_tar sources | cat - <(printf %s "$suite") | sha256sum | cut -c1-16
}

id_of() { timeout -k 5 30 docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }

sources() { # where Debian comes from: as this machine has it, where this machine is of the same suite
  local file
  grep -q "VERSION_CODENAME=$suite" /etc/os-release || return 0
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if [ -s "$file" ]; then
      printf '%s\n' "$file"
      return 0
    fi
  done
}

base_tar() { # a root file system of Debian's own packages: Python, the C++ runtime, and what they need
  local tar=$1 options
  [ ! -s "$tar" ] || return 0
  if ! command -v mmdebstrap >/dev/null; then
    say "installing mmdebstrap"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install mmdebstrap >&2
  fi
  options=$work/apt.conf
  apt-config dump | grep -E '^Acquire::(https?|Check)' >"$options" || true # proxies and dated mirrors
  say "root file system of Debian $suite"
  # shellcheck disable=SC2016,SC2046 # the hooks expand it; no sources file means the distribution's own mirror
  SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --variant=essential --skip=output/dev --include=python3,libstdc++6,tzdata --aptopt="$options" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook='find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +' \
    --customize-hook='rm -rf "$1"/var/cache/* "$1"/var/lib/apt "$1"/var/log/* "$1"/etc/apt/sources.list* "$1"/etc/shadow* "$1"/etc/gshadow* "$1"/var/lib/dpkg/*-old' \
    --customize-hook='mkdir -p "$1"/data "$1"/job "$1"/out && rm -f "$1"/etc/hostname "$1"/etc/resolv.conf' \
    "$suite" "$work/base.tar" $(sources) >&2
  mv "$work/base.tar" "$tar"
}

wheels() { # the locked wheels of an image, without their tests and headers
  local name=$1 site=$2
  say "wheels of $name"
  # A target folder is no installation of the project's: what pip says about other packages there is beside the point.
  "$python" -m pip -qq install --target "$site/$packages" --python-version 3.11 --implementation cp \
    --only-binary=:all: --require-hashes --no-deps --no-compile --requirement "$here/$name/requirements.lock" >&2
  find "$site/$packages" -type d \( -name tests -o -name include -o -name __pycache__ \) -prune -exec rm -rf {} +
  find "$site/$packages" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.a' -o -name '*.h' \) -delete
  rm -rf "${site:?}/$packages/bin"
  [ ! -d "$here/$name/src" ] || (cd "$here/$name/src" && find . -name '*.py' -exec install -D -m 0644 {} "$site/$packages/{}" \;)
  [ ! -e "$here/$name/read.py" ] || install -D -m 0644 "$here/$name/read.py" "$site/opt/reader/read.py"
  [ ! -e "$here/$name/preload" ] || install -D -m 0644 "$here/$name/preload" "$site/etc/shuyu/preload"
}

compile() { # bytecode by the image's own Python: its root is read-only when it runs
  say "bytecode of $1"
  # One process, one order of files: what Python writes of a constant depends on what it has compiled before.
  engine run --rm --network none --user 0 --env PYTHONHASHSEED=0 --volume "$2:/site" "$3" python3 -m compileall -q -j 1 \
    --invalidation-mode unchecked-hash -s /site -p / "/site/$packages" >&2 || true # a file of another Python's grammar
}

site_tar() { # what an image has beside the base, as one layer: names in order, no times, no owners
  local tar=$1 name=$2 base=$3 site=$work/$2
  [ ! -s "$tar" ] || return 0
  base_tar "$base.tar" & # the mirror and the package index are waited for at the same time
  wheels "$name" "$site"
  wait $!
  id_of "shuyu/base:${base##*-}" >/dev/null || bring "shuyu/base:${base##*-}" "$base.tar"
  compile "$name" "$site" "shuyu/base:${base##*-}"
  (cd "$site" && find . -mindepth 1 \( -type f -o -type l \) -print0 | LC_ALL=C sort -z |
    tar --create --format=gnu --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --mtime=@0 \
      --no-recursion --file "$work/$name.tar" --null --files-from -)
  rm -rf "$site"
  mv "$work/$name.tar" "$tar"
}

bring() { # layers become an image that runs as nobody, with nothing to start by itself; the same layers give the same id
  local tag=$1 tar number=0 diffs='' names='' config folder
  folder=$(mktemp -d "$work/load.XXXXXX")
  shift
  for tar in "$@"; do
    ln -s "$tar" "$folder/$number.tar"
    diffs+=${diffs:+,}\"sha256:$(sha256sum "$tar" | cut -d' ' -f1)\"
    names+=${names:+,}\"$number.tar\"
    number=$((number + 1))
  done
  printf '{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":{"User":"65532:65532",%s},%s}' \
    '"WorkingDir":"/tmp","Env":["PATH=/usr/local/bin:/usr/bin:/bin","LANG=C.UTF-8","HOME=/tmp"]' \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[$diffs]}" >"$folder/config"
  config=$(sha256sum "$folder/config" | cut -d' ' -f1).json
  mv "$folder/config" "$folder/$config"
  printf '[{"Config":"%s","RepoTags":["%s"],"Layers":[%s]}]' "$config" "$tag" "$names" >"$folder/manifest.json"
  tar --create --dereference --directory "$folder" . | engine load --quiet >/dev/null
}

build() {
  local name=$1 hash=$2 base=$3
  site_tar "$cache/$name-$hash.tar" "$name" "$base"
  base_tar "$base.tar"
  say "image of $name"
  bring "shuyu/$name:$hash" "$base.tar" "$cache/$name-$hash.tar"
  engine tag "shuyu/$name:$hash" "shuyu/$name:latest"
}

[ $# -gt 0 ] || set -- python reader
mkdir -p "$cache"
if [ -z "${DOCKER_HOST:-}" ]; then
  found=$("$here/engine.sh" up)
  export "${found?}"
fi
exec 9>"$cache/lock"
flock 9
work=$(mktemp -d "$cache/work.XXXXXX")
chmod 0755 "$work"
trap 'rm -rf "$work"' EXIT
for name in "$@"; do
  [ -f "$here/$name/requirements.lock" ] || { say "there is no recipe for $name" && exit 1; }
  hash=$(recipe "$name")
  id_of "shuyu/$name:$hash" >/dev/null || build "$name" "$hash" "$cache/base-$(base_recipe)"
  printf '%s=%s\n' "$name" "$(id_of "shuyu/$name:$hash")"
done
