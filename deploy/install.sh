#!/bin/sh
# Installs the agent on a bare Debian or Ubuntu. See --help, and docs/install.md.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(dirname "$HERE")
# shellcheck source=deploy/lib.sh
. "$HERE/lib.sh"

EXTRA=cpu
WHEELS=
MQTT_LISTEN=127.0.0.1
MOSQUITTO=yes
START=yes

usage() {
    cat <<'HELP'
usage: sudo sh deploy/install.sh [options]

Installs Edge Agent from these sources: a user edge-agent, the program in /opt/edge-agent, the configuration in
/etc/edge-agent, all that it keeps in /var/lib/edge-agent, Mosquitto with passwords, and a service that starts with the
box. Measures how the model runs fastest here. Run again, it completes what is missing and changes nothing that is there.

  --wheels DIR       take the Python packages from this folder, without internet (docs/install.md says how to fill it)
  --extra NAME       what the model runs on: cpu (default), gpu, openvino
  --mqtt-listen IP   where Mosquitto listens: 127.0.0.1 (default); 0.0.0.0 for buzzers and screens in the network
  --no-mosquitto     set up no broker: you have one, and name it in the configuration
  --no-start         install, but do not start the service
  --dry-run          print what would be done, and do nothing
  --help             this text
HELP
}

while [ $# -gt 0 ]; do
    case $1 in
    --wheels) need_value "$1" $#; WHEELS=$2; shift ;;
    --extra) need_value "$1" $#; EXTRA=$2; shift ;;
    --mqtt-listen) need_value "$1" $#; MQTT_LISTEN=$2; shift ;;
    --no-mosquitto) MOSQUITTO=no ;;
    --no-start) START=no ;;
    --dry-run) DRY_RUN=yes ;;
    --help | -h) usage; exit 0 ;;
    *) die "'$1' is no option; see --help" ;;
    esac
    shift
done

case $MQTT_LISTEN in
*[!0-9a-fA-F.:]* | '') die "--mqtt-listen is an address such as 127.0.0.1, not '$MQTT_LISTEN'" ;;
esac
need_source_of_packages
VERSION=$(version_in "$SOURCE")
[ -n "$VERSION" ] || die "$SOURCE holds no sources of the agent"
need_root

install_packages() {
    packages="python3 python3-venv libgl1 libglib2.0-0"
    if [ "$MOSQUITTO" = yes ]; then
        packages="$packages mosquitto mosquitto-clients"
    fi
    missing=
    for package in $packages; do
        dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' \
            || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing Debian's packages:$missing"
    # The words are package names of ours: they are to be split.
    # shellcheck disable=SC2086
    { run apt-get update -q && run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } \
        || die "these packages are needed and cannot be installed:$missing"
}

check_python() {
    [ "$DRY_RUN" = yes ] || python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
        || die "Python 3.10 or later is needed; this is $(python3 --version)"
}

make_user() {
    if ! getent passwd "$AGENT_USER" >/dev/null; then
        run useradd --system --user-group --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin "$AGENT_USER"
    fi
    run install -d -m 0750 -o "$AGENT_USER" -g "$AGENT_USER" "$STATE"
    run install -d -m 0750 -o root -g "$AGENT_USER" "$ETC"
    run install -d -m 0700 -o root -g root "$BACKUPS"
}

write_config() {
    if [ -e "$ETC/edge.yaml" ]; then
        say "$ETC/edge.yaml is there and stays as it is"
    elif [ "$MOSQUITTO" = yes ]; then
        put_file "$ETC/edge.yaml" 0640 "root:$AGENT_USER" <"$HERE/edge.yaml"
    else
        sed '/^mqtt:/,$d' "$HERE/edge.yaml" | put_file "$ETC/edge.yaml" 0640 "root:$AGENT_USER"
    fi
}

# Two accounts: the agent's, and one that listens and answers alerts, for buzzers, lights and screens.
set_up_mosquitto() {
    [ "$MOSQUITTO" = yes ] || return 0
    if [ -e /etc/mosquitto/conf.d/edge-agent.conf ]; then
        say "Mosquitto is set up already"
        return 0
    fi
    for other in /etc/mosquitto/conf.d/*.conf; do
        [ ! -e "$other" ] || die "$other is there: Mosquitto serves somebody already; use --no-mosquitto, add an account
for the agent there, and name it under mqtt in $ETC/edge.yaml"
    done
    agent_password=$(random_password)
    display_password=$(random_password)
    printf '%s\n' "$agent_password" | put_file "$ETC/mqtt.password" 0640 "root:$AGENT_USER"
    printf '%s\n' "$display_password" | put_file "$ETC/mqtt-display.password" 0600 root:root
    # Hashed in place: a password in an argument could be read in the list of processes.
    printf 'edge-agent:%s\ndisplay:%s\n' "$agent_password" "$display_password" \
        | put_file /etc/mosquitto/edge-agent.passwd 0600 root:root
    run mosquitto_passwd -U /etc/mosquitto/edge-agent.passwd
    run chown mosquitto:mosquitto /etc/mosquitto/edge-agent.passwd
    put_file /etc/mosquitto/edge-agent.acl 0644 root:root <<'ACL'
user edge-agent
topic readwrite edge-agent/#

user display
topic read edge-agent/#
topic write edge-agent/+/alerts/+/set
ACL
    put_file /etc/mosquitto/conf.d/edge-agent.conf 0644 root:root <<CONF
# Written by deploy/install.sh of Edge Agent.
listener 1883 $MQTT_LISTEN
allow_anonymous false
password_file /etc/mosquitto/edge-agent.passwd
acl_file /etc/mosquitto/edge-agent.acl
CONF
    if has_systemd; then
        run systemctl enable --quiet mosquitto
        run systemctl restart mosquitto
    fi
}

first_token() {
    if [ -e "$STATE/tokens.json" ]; then
        return 0
    fi
    if [ "$DRY_RUN" = yes ]; then
        say "+ $CURRENT/bin/edge-agent tokens create --name admin --role admin"
        return 0
    fi
    # As the agent's user: the file, and the lock beside it, must be its own.
    token=$(runuser -u "$AGENT_USER" -- \
        "$CURRENT/bin/edge-agent" tokens create --name admin --role admin --config "$ETC/edge.yaml" 2>/dev/null) \
        || die "the first token could not be made"
    say ""
    say "The token of the administrator. It is shown this once and kept nowhere:"
    say ""
    say "    $token"
    say ""
}

start() {
    if ! has_systemd; then
        say "systemd does not run here: start it yourself with 'edge-agent run --config $ETC/edge.yaml'"
        return 0
    fi
    run systemctl enable --quiet "$UNIT"
    [ "$START" = yes ] || return 0
    if ! run systemctl start "$UNIT"; then
        journalctl -u "$UNIT" -n 20 --no-pager >&2 || true
        die "the agent does not start; 'sudo edge-agent doctor' says what is wrong"
    fi
    say "the agent runs: systemctl status $UNIT"
}

install_packages
check_python
make_user
make_venv "$SOURCE" "$VERSION" "$EXTRA" "$WHEELS"
[ -e "$CURRENT" ] || point "$CURRENT" "versions/$VERSION"
if [ "$DRY_RUN" = no ] && [ "$(readlink "$CURRENT")" != "versions/$VERSION" ]; then
    die "$(readlink "$CURRENT") is installed here: 'sudo sh deploy/upgrade.sh' brings version $VERSION into service"
fi
copy_models_and_menus "$SOURCE"
write_config
set_up_mosquitto
copy_unit_and_tools "$MADE"
first_token
tune_model "$CURRENT"
start
say "next: edit $ETC/edge.yaml (site, timezone, camera), then 'sudo edge-agent doctor'"
