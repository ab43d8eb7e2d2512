#!/bin/sh
# Brings these sources into service on a box that has the agent, or the version before back. See --help.
set -eu

HERE=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
SOURCE=$(dirname "$HERE")
# shellcheck source=deploy/lib.sh
. "$HERE/lib.sh"

EXTRA=$(extra_in "$CURRENT")
WHEELS=
ROLLBACK=no

usage() {
    cat <<'HELP'
usage: sudo sh deploy/upgrade.sh [options]        from the sources of the new version
       sudo edge-agent-upgrade --rollback         anywhere on the box

Backs the box up, installs the new version beside the running one, holds the configuration against it, and switches. Where
it brings another ONNX Runtime, how the model runs fastest is measured anew before it starts. If it does not get ready, or
does not stay so for a few seconds, the old one is back in service. The last version stays; --rollback switches to it.
Where the new version has changed the database so that the old one cannot read it, the backup from before the upgrade is
put back too, and what was recorded since is kept aside.

  --wheels DIR     take the Python packages from this folder, without internet
  --extra NAME     what the model runs on: cpu, gpu, openvino (as it was installed, if left out)
  --rollback       back to the version before
  --dry-run        print what would be done, and do nothing
  --help           this text
HELP
}

while [ $# -gt 0 ]; do
    case $1 in
    --wheels) need_value "$1" $#; WHEELS=$2; shift ;;
    --extra) need_value "$1" $#; EXTRA=$2; shift ;;
    --rollback) ROLLBACK=yes ;;
    --dry-run) DRY_RUN=yes ;;
    --help | -h) usage; exit 0 ;;
    *) die "'$1' is no option; see --help" ;;
    esac
    shift
done
need_source_of_packages
need_root
[ -L "$CURRENT" ] || die "the agent is not installed here: use deploy/install.sh"

stop_agent() {
    if has_systemd; then
        run systemctl stop "$UNIT"
    fi
}

# Type=notify: this returns once the agent has said that it is ready, and has not fallen over a few seconds later.
start_agent() {
    has_systemd || return 0
    run systemctl reset-failed "$UNIT" 2>/dev/null || true
    run systemctl start "$UNIT" || return 1
    [ "$DRY_RUN" = no ] || return 0
    for _ in 1 2 3 4 5; do
        sleep 1
        systemctl is-active --quiet "$UNIT" || return 1
    done
    [ "$(systemctl show --property NRestarts --value "$UNIT")" = 0 ]
}

# Whether the version in $1 can work with the database as it is. Status 1 of doctor means that it cannot.
can_read_database() {
    [ -e "$STATE/edge.sqlite" ] || return 0
    answer=0
    "$1/bin/edge-agent" doctor --only database --config "$ETC/edge.yaml" >/dev/null 2>&1 || answer=$?
    [ "$answer" -ne 1 ]
}

# Back to the version that PREVIOUS names, with the database it can read.
switch_back() {
    back=$(readlink "$PREVIOUS") || die "there is no version before this one"
    now=$(readlink "$CURRENT")
    [ -e "$PREFIX/$back/.complete" ] || die "$PREFIX/$back is not there any more"
    stop_agent
    if ! can_read_database "$PREFIX/$back"; then
        backup=$BACKUPS/before-${now##*/}.tar
        [ -e "$backup" ] || die "the database is of a newer version, and there is no $backup to put back"
        say "the database was changed by ${now##*/}: putting back $backup"
        run "$PREFIX/$back/bin/edge-agent" restore "$backup" --config "$ETC/edge.yaml" || return 1
    fi
    copy_unit_and_tools "$PREFIX/$back"
    point "$CURRENT" "$back"
    point "$PREVIOUS" "$now"
    tune_model "$CURRENT"
    start_agent
}

if [ "$ROLLBACK" = yes ]; then
    [ "$DRY_RUN" = yes ] && { say "+ switch $CURRENT and $PREVIOUS, restart $UNIT"; exit 0; }
    switch_back || die "$(readlink "$CURRENT") does not start either: 'sudo edge-agent doctor' says what is wrong"
    say "back in service: $(readlink "$CURRENT")"
    exit 0
fi

VERSION=$(version_in "$SOURCE") 2>/dev/null || VERSION=
[ -n "$VERSION" ] || die "$SOURCE holds no sources of the agent: run it from the sources of the new version"
OLD=$(readlink "$CURRENT")
[ "$OLD" != "versions/$VERSION" ] || die "version $VERSION is in service already"

make_venv "$SOURCE" "$VERSION" "$EXTRA" "$WHEELS"
run "$MADE/bin/edge-agent" config check --config "$ETC/edge.yaml" \
    || die "the new version does not take the configuration; nothing was changed"
run mkdir -p "$BACKUPS"
run rm -f "$BACKUPS/before-$VERSION.tar"
run "$PREFIX/$OLD/bin/edge-agent" backup "$BACKUPS/before-$VERSION.tar" --config "$ETC/edge.yaml" \
    || die "there is no backup, so nothing was changed"
copy_models_and_menus "$SOURCE"
BEFORE=$(readlink "$PREVIOUS" || true)
stop_agent
copy_unit_and_tools "$MADE"
point "$PREVIOUS" "$OLD"
point "$CURRENT" "versions/$VERSION"
tune_model "$MADE"
if ! start_agent; then
    say "version $VERSION does not get ready; its last words:" >&2
    journalctl -u "$UNIT" -n 20 --no-pager >&2 || true
    switch_back || die "the old version does not start either: 'sudo edge-agent doctor' says what is wrong"
    # As if it had never been: --rollback leads to what ran before, and a mended one is installed anew.
    rm -f "$MADE/.complete" "$PREVIOUS"
    [ -z "$BEFORE" ] || point "$PREVIOUS" "$BEFORE"
    die "the old version is back in service: $(readlink "$CURRENT")"
fi
# Only the last version is kept; its backup too.
for folder in "$VERSIONS"/*/; do
    name=$(basename "$folder")
    case versions/$name in
    "versions/$VERSION" | "$OLD") ;;
    *) run rm -rf "$VERSIONS/$name" "$BACKUPS/before-$name.tar" ;;
    esac
done
say "in service: $VERSION; back with: sudo edge-agent-upgrade --rollback"
