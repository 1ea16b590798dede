#!/bin/sh
# Everything the project needs on a bare Debian or Ubuntu with python3: system libraries where
# missing, a virtual environment in .venv, the project in it. Does nothing the second time.
set -eu
cd "$(dirname "$0")/.."

# An exact version in the same pip call as the project, so that one resolution decides. Give
# TORCH=torch==... to choose another build, such as one for your graphics card.
torch=${TORCH:-torch==2.13.0}
stamp=.venv/.set-up
want=$(cat pyproject.toml tools/setup.sh | cksum; echo "$torch")

# What Qt and OpenGL load at run time, and a virtual display where there is none.
libraries="libgl1 libegl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0
libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || libraries="$libraries xvfb xauth"
python3 -c 'import ensurepip, venv' 2>/dev/null || libraries="$libraries python3-venv"

if command -v dpkg-query >/dev/null 2>&1; then
    missing=
    for library in $libraries; do
        # Since 2024 some carry the suffix t64; either will do.
        dpkg-query -W -f '${Status}\n' "$library" "${library}t64" 2>/dev/null |
            grep -q 'ok installed' || missing="$missing $library"
    done
    if [ -n "$missing" ]; then
        echo "Installing system libraries:$missing"
        root=
        [ "$(id -u)" = 0 ] || root=sudo
        $root apt-get update -q
        # shellcheck disable=SC2086  # the list is meant to be split
        DEBIAN_FRONTEND=noninteractive $root apt-get install -y -q --no-install-recommends $missing
    fi
fi

if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/python -m pip install --quiet --upgrade pip
    echo "Installing napari-denoise and what it needs into .venv (a few minutes the first time)"
    .venv/bin/python -m pip install --quiet "$torch" --editable '.[test]'
    echo "$want" >"$stamp"
fi
