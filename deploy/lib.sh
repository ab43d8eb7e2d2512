# What install.sh and upgrade.sh share; read by them, never run. POSIX sh.
# shellcheck shell=sh
# shellcheck disable=SC2034  # who reads it uses the names

PREFIX=/opt/edge-agent
VERSIONS=$PREFIX/versions
CURRENT=$PREFIX/current
PREVIOUS=$PREFIX/previous
TOOLS=$PREFIX/tools
ETC=/etc/edge-agent
STATE=/var/lib/edge-agent
BACKUPS=$STATE/backups
UNIT=edge-agent.service
AGENT_USER=edge-agent

DRY_RUN=${DRY_RUN:-no}

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# --extra and --wheels as they were given: one build of ONNX Runtime, and a folder that is there.
need_source_of_packages() {
    case $EXTRA in
    cpu | gpu | openvino) ;;
    *) die "--extra is cpu, gpu or openvino, not '$EXTRA'" ;;
    esac
    [ -z "$WHEELS" ] || [ -d "$WHEELS" ] || die "there is no folder $WHEELS"
}

# Every change goes through here: with --dry-run it is only printed.
run() {
    if [ "$DRY_RUN" = yes ]; then
        printf '+ %s\n' "$*"
    else
        "$@"
    fi
}

# Writes standard input to a file: put_file PATH MODE OWNER:GROUP
put_file() {
    if [ "$DRY_RUN" = yes ]; then
        cat >/dev/null
        printf '+ write %s (%s, %s)\n' "$1" "$2" "$3"
        return
    fi
    (umask 077 && cat >"$1.new")
    chmod "$2" "$1.new"
    chown "$3" "$1.new"
    mv -f "$1.new" "$1"
}

need_root() {
    [ "$DRY_RUN" = yes ] || [ "$(id -u)" -eq 0 ] || die "run it as root: sudo sh $0"
}

need_value() {
    [ "$2" -ge 2 ] || die "$1 needs a value; see --help"
}

has_systemd() { [ -d /run/systemd/system ]; }

random_password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# The version of the sources in a folder.
version_in() {
    sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$1/edge_agent/__init__.py"
}

# The extra with which a version was installed: extra_in FOLDER. Its environment remembers it; one of an older version
# did not, and is asked which ONNX Runtime it has.
extra_in() {
    cat "$1/extra" 2>/dev/null && return
    for build in gpu openvino; do
        if "$1/bin/python" -c "import importlib.metadata as m; m.version('onnxruntime-$build')" 2>/dev/null; then
            echo "$build"
            return
        fi
    done
    echo cpu
}

# Makes the environment of one version: make_venv SOURCE VERSION EXTRA WHEELS(or empty). Sets MADE to its folder.
# It counts once it is complete: an installation that was broken off is made anew.
make_venv() {
    MADE=$VERSIONS/$2
    if [ -e "$MADE/.complete" ]; then
        say "version $2 is installed already, for $(extra_in "$MADE")"
        return
    fi
    say "installing version $2 and the Python packages it needs"
    run rm -rf "$MADE"
    run mkdir -p "$VERSIONS"
    run python3 -m venv "$MADE"
    if [ -n "$4" ]; then
        run "$MADE/bin/pip" install --quiet --no-index --find-links "$4" "edge-agent[$3]==$2"
    else
        run "$MADE/bin/pip" install --quiet --constraint "$1/constraints.txt" "$1[$3]"
    fi
    run "$MADE/bin/edge-agent" --version
    # The unit and the tools go with their version: going back brings back its own.
    run cp -R "$1/deploy" "$MADE/deploy"
    echo "$3" | put_file "$MADE/extra" 0644 root:root
    run touch "$MADE/.complete"
}

# Moves a link in one step: there is no moment without it.
point() {
    run ln -sfn "$2" "$1.new"
    run mv -Tf "$1.new" "$1"
}

# The version of a model pack, as its manifest says.
version_of_pack() {
    sed -n "s/^version: *['\"]\{0,1\}\([A-Za-z0-9._-]*\).*/\1/p" "$1/model.yaml"
}

# Copies a shipped model pack. One of another version than that of its name goes beside it: what is there stays, as the
# way back and the restaurant's own.
copy_pack() {
    name=$(basename "$1")
    if [ -e "$STATE/models/$name/model.yaml" ] \
        && [ "$(version_of_pack "$STATE/models/$name")" != "$(version_of_pack "$1")" ]; then
        name=$name-$(version_of_pack "$1")
        [ -e "$STATE/models/$name" ] || say "another version of a model pack lies in $STATE/models/$name:
'edge-agent models compare' and 'models activate' bring it into service (docs/models.md)"
    fi
    [ -e "$STATE/models/$name" ] || run cp -R "$1" "$STATE/models/$name"
}

# Copies the shipped model packs and menus that are not there yet; what is there is the restaurant's own.
copy_models_and_menus() {
    run mkdir -p "$STATE/models" "$ETC/menus"
    for manifest in "$1"/models/*/model.yaml; do
        copy_pack "$(dirname "$manifest")"
    done
    [ -e "$STATE/models/active" ] || run cp "$1/models/active" "$STATE/models/active"
    for menu in "$1"/configs/menus/*.yaml; do
        [ -e "$ETC/menus/$(basename "$menu")" ] || run cp "$menu" "$ETC/menus/"
    done
    run chown -R "$AGENT_USER:$AGENT_USER" "$STATE/models"
    run chown -R "root:$AGENT_USER" "$ETC/menus"
}

# Measures how the configured model runs fastest here, by the version in $1, unless that is known: a pack, a CPU and an
# ONNX Runtime are measured once. As the agent's user: what it writes must be its own. Without it the agent runs too. It
# has its time: in an upgrade nobody looks at the trays meanwhile.
tune_model() {
    say "measuring how the model runs fastest here, unless that is known"
    run timeout --foreground 600 runuser -u "$AGENT_USER" -- "$1/bin/edge-agent" tune --if-needed --config "$ETC/edge.yaml" \
        || say "that was not measured, so the first form of the model runs, which may be slower; once it can be:
sudo -u $AGENT_USER edge-agent tune, then sudo systemctl restart $UNIT" >&2
}

# Puts the unit and the tools in place, from the folder of the version that is to run.
copy_unit_and_tools() {
    run install -D -m 0644 "$1/deploy/systemd/$UNIT" "/etc/systemd/system/$UNIT"
    run mkdir -p "$TOOLS"
    run install -m 0755 "$1/deploy/upgrade.sh" "$TOOLS/upgrade.sh"
    run install -m 0644 "$1/deploy/lib.sh" "$TOOLS/lib.sh"
    run ln -sfn "$TOOLS/upgrade.sh" /usr/local/sbin/edge-agent-upgrade
    run ln -sfn "$CURRENT/bin/edge-agent" /usr/local/bin/edge-agent
    if has_systemd; then
        run systemctl daemon-reload
    fi
}
