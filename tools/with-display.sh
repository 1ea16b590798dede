#!/bin/sh
# Run a command on the display, or on a virtual one where there is none.
set -eu
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec env QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum \
        --server-args='-screen 0 1600x1000x24' "$@"
fi
exec "$@"
