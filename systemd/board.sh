#!/bin/sh
# What happens on the board itself; deploy.sh copies it there with a release and calls it. Needs root and systemd.
#   board.sh install [--autostart] RELEASE_FOLDER [CONFIG_FILE]
#                                                   puts a release in place, starts it, and goes back when it is not healthy;
#                                                   with --autostart it is also granted that it starts with the board
#   board.sh packages RELEASE_FOLDER CONFIG_FILE    says which Debian packages it would install for that, and installs none
#   board.sh rollback                               goes back to the release before
#   board.sh uninstall [--purge]                    removes the program; with --purge configuration, keys and data as well
# ROOT (default empty) is put before every path, for trying it out in a folder; WAIT_S is how long a start may take.
set -eu

ROOT=${ROOT:-}
WAIT_S=${WAIT_S:-60}
base=/opt/fieldagent
etc=/etc/fieldagent
state=/var/lib/fieldagent
unit=/etc/systemd/system/fieldagent.service
boot_unit=/etc/systemd/system/fieldagent-autostart.service
sysusers=/usr/lib/sysusers.d/fieldagent.conf
tmpfiles=/usr/lib/tmpfiles.d/fieldagent.conf
rules=/usr/lib/udev/rules.d/60-fieldagent.rules
program=/usr/bin/fieldagent
# In the folder of the configuration: groups and packages that the board did not have before.
made=.made-by-install
# Packages that every board needs.
needed='libmosquitto1 libsqlite3-0 ca-certificates'

say() { printf 'fieldagent: %s\n' "$*" >&2; }
die() { say "$1"; exit 1; }

need_root() {
  [ -n "$ROOT" ] || [ "$(id -u)" -eq 0 ] || die "installing needs root: use an account that may use sudo"
  command -v systemctl >/dev/null || die "this machine has no systemd; run 'fieldagent run' under its own service manager"
}

# has PACKAGE : true when it is installed; some libraries have a name of their own since their times have 64 bits.
has() {
  dpkg-query -W -f='${Status}\n' "$1" "$1t64" 2>/dev/null | grep -q 'install ok installed'
}

# missing_of PACKAGE... : those that are not installed, each after a space.
missing_of() {
  for package in "$@"; do has "$package" || printf ' %s' "$package"; done
}

# packages_of RELEASE_FOLDER CONFIG_FILE : the packages that the sensors of a configuration need.
packages_of() { "$1/fieldagent" check-config --packages "$2" </dev/null 2>/dev/null || true; }

# packages NAME... : installs the Debian packages that are missing, says so, and remembers it for whoever removes the agent. Fails when it cannot.
packages() {
  missing=$(missing_of "$@")
  [ -z "$missing" ] && return 0
  say "installing from Debian:$missing"
  # shellcheck disable=SC2086
  { DEBIAN_FRONTEND=noninteractive apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; } </dev/null ||
    return 1
  # shellcheck disable=SC2086
  remember $missing
}

# remember WORD... : what the board did not have before; 'uninstall --purge' goes by it.
remember() {
  mkdir -p "$ROOT$etc"
  for word in "$@"; do echo "$word" >>"$ROOT$etc/$made"; done
}

# same FILE FILE : true when both are there and alike.
same() { [ -e "$1" ] && [ -e "$2" ] && cmp -s "$1" "$2"; }

# place SOURCE TARGET MODE : copies when it differs.
place() {
  same "$1" "$ROOT$2" && return 0
  mkdir -p "$(dirname "$ROOT$2")"
  install -m "$3" "$1" "$ROOT$2"
  changed=yes
}

current() { [ -L "$ROOT$base/current" ] && basename "$(readlink "$ROOT$base/current")" || true; }
before() { [ -L "$ROOT$base/before" ] && basename "$(readlink "$ROOT$base/before")" || true; }

# point NAME RELEASE : sets a link in one step.
point() {
  ln -sfn "releases/$2" "$ROOT$base/$1.new"
  mv -T "$ROOT$base/$1.new" "$ROOT$base/$1"
}

system_files() {
  place "$1/systemd/fieldagent.sysusers" "$sysusers" 644
  place "$1/systemd/fieldagent.tmpfiles" "$tmpfiles" 644
  place "$1/systemd/fieldagent.rules" "$rules" 644
  place "$1/systemd/fieldagent.service" "$unit" 644
  if [ -e "$1/systemd/fieldagent-autostart.service" ]; then
    place "$1/systemd/fieldagent-autostart.service" "$boot_unit" 644
  else
    rm -f "$ROOT$boot_unit"
  fi
  [ "$(readlink "$ROOT$program" 2>/dev/null)" = "$base/current/fieldagent" ] || { mkdir -p "$ROOT/usr/bin"; ln -sfn "$base/current/fieldagent" "$ROOT$program"; changed=yes; }
}

# configuration FILE_OR_EMPTY RELEASE_FOLDER : an existing configuration is kept; one that is given takes its place when it is sound, the old one
# beside it. Files that it names are looked for from its own folder, so it is checked there.
configuration() {
  mkdir -p "$ROOT$etc"
  new=$ROOT$etc/config.json.new
  if [ -n "$1" ] && ! same "$1" "$ROOT$etc/config.json"; then
    install -m 640 "$1" "$new"
  elif [ ! -e "$ROOT$etc/config.json" ]; then
    install -m 640 "$2/systemd/first-config.json" "$new"
    say "wrote a first configuration: $etc/config.json. It collects nothing yet; add recipients and sensors, then 'systemctl restart fieldagent'"
  fi
  file=$ROOT$etc/config.json
  [ ! -e "$new" ] || file=$new
  if ! "$2/fieldagent" check-config "$file" </dev/null; then
    rm -f "$new"
    [ -n "$old" ] && say "release $old goes on running, with its configuration" || say "nothing was started"
    die "put the configuration right, then install again"
  fi
  if [ -e "$new" ]; then
    if [ -e "$ROOT$etc/config.json" ]; then
      cp -p "$ROOT$etc/config.json" "$ROOT$etc/config.json.before"
      say "the old configuration is kept as $etc/config.json.before"
      replaced=yes
    fi
    mv "$new" "$ROOT$etc/config.json"
    changed=yes
  fi
  if [ ! -e "$ROOT$etc/root.key" ]; then
    (umask 077; head -c 32 /dev/urandom >"$ROOT$etc/root.key")
    say "made $etc/root.key, the key of everything stored; keep a copy where the card is not"
  fi
}

start() {
  if [ "$changed" = yes ]; then
    systemctl daemon-reload
    udevadm control --reload 2>/dev/null && udevadm trigger --subsystem-match=gpio --subsystem-match=i2c-dev --subsystem-match=iio 2>/dev/null || true
  fi
  # What starts at boot is the unit that asks first. A release of before it had started without being asked.
  if [ -e "$ROOT$boot_unit" ]; then
    rm -f "$ROOT/etc/systemd/system/multi-user.target.wants/fieldagent.service"
    systemctl enable --quiet fieldagent-autostart.service
  else
    systemctl enable --quiet fieldagent.service
  fi
  # How often it ended before is counted anew.
  systemctl reset-failed --quiet fieldagent.service 2>/dev/null || true
  systemctl restart --no-block fieldagent.service
}

# hopeless : true when the agent will not start: it refuses, or it has ended three times.
hopeless() {
  systemctl is-failed --quiet fieldagent.service && return 0
  ended=$(systemctl show -P NRestarts fieldagent.service 2>/dev/null || true)
  [ "${ended:-0}" -ge 2 ]
}

# healthy : waits until the agent answers and can store; prints its status.
healthy() {
  waited=0
  while [ "$waited" -lt "$WAIT_S" ]; do
    # The one before is to be gone by then.
    sleep 1
    waited=$((waited + 1))
    [ "$(systemctl is-active fieldagent.service || true)" != active ] || break
    ! hopeless || return 1
  done
  "$ROOT$base/current/fieldagent" status --wait "$((WAIT_S - waited))" --runtime "$ROOT/run/fieldagent" </dev/null
}

# after_reboot : grants the start with the board where the operator said so, and says what will happen.
after_reboot() {
  [ -e "$ROOT$boot_unit" ] || return 0
  agent="$ROOT$base/current/fieldagent"
  if [ "$autostart" = yes ]; then
    "$agent" consent grant autostart --role operator --attest 'deploy.sh install --autostart' --config "$ROOT$etc/config.json" </dev/null >/dev/null ||
      die "release $(current) runs, but the start with the board was not granted: 'fieldagent consent grant autostart'"
  fi
  if "$agent" autostart --config "$ROOT$etc/config.json" </dev/null >/dev/null 2>&1; then
    say "after a reboot it starts by itself: autostart is granted; 'fieldagent consent withdraw autostart' ends that"
  else
    say "AFTER A REBOOT IT STAYS OFF until somebody starts it ('systemctl start fieldagent'): nobody has granted autostart."
    say "to let it start with the board: 'fieldagent consent grant autostart', or install with --autostart"
  fi
}

why() {
  say "it did not become healthy:"
  systemctl --no-pager --full status fieldagent.service 2>&1 | head -n 8 >&2 || true
  { journalctl --no-pager -q -u fieldagent.service -n 15 -o cat 2>/dev/null || true; } >&2
}

install_release() {
  autostart=no
  [ "${1:-}" != --autostart ] || { autostart=yes; shift; }
  folder=${1:?release folder}
  config=${2:-}
  need_root
  changed=no
  replaced=no
  release=$(cat "$folder/RELEASE")
  old=$(current)
  if [ ! -d "$ROOT$base/releases/$release" ]; then
    mkdir -p "$ROOT$base/releases"
    rm -rf "$ROOT$base/releases/$release.new"
    cp -R "$folder" "$ROOT$base/releases/$release.new"
    rm -f "$ROOT$base/releases/$release.new/board-config.json"
    sync
    mv -T "$ROOT$base/releases/$release.new" "$ROOT$base/releases/$release"
    changed=yes
  fi
  system_files "$folder"
  if [ -z "$ROOT" ]; then
    for group in fieldagent i2c gpio; do getent group $group >/dev/null || remember "group $group"; done
    systemd-sysusers "$sysusers"
    systemd-tmpfiles --create "$tmpfiles"
  fi
  configuration "$config" "$ROOT$base/releases/$release"
  if [ -z "$ROOT" ]; then
    chown root:fieldagent "$etc/config.json"
    systemd-tmpfiles --create "$tmpfiles"
    # shellcheck disable=SC2086
    packages $needed || die "these packages could not be installed:$missing. Connect the board to a Debian mirror, or install them by hand"
    # shellcheck disable=SC2046
    packages $(packages_of "$base/releases/$release" "$etc/config.json") ||
      say "these packages could not be installed:$missing. The sensors that need them will say so; install them by hand"
  fi
  if [ "$old" = "$release" ] && [ "$changed" = no ] && systemctl is-active --quiet fieldagent.service; then
    say "release $release is installed already; nothing was changed"
    healthy
    after_reboot
    return 0
  fi
  [ -n "$old" ] && [ "$old" != "$release" ] && point before "$old"
  point current "$release"
  changed=yes
  start
  if healthy; then
    say "release $release runs"
    after_reboot
    tidy
    return 0
  fi
  why
  take_back
}

# take_back : puts the release and the configuration from before in place again.
take_back() {
  back=
  if [ "$replaced" = yes ]; then
    mv "$ROOT$etc/config.json" "$ROOT$etc/config.json.refused"
    mv "$ROOT$etc/config.json.before" "$ROOT$etc/config.json"
    back=" with the configuration from before (the new one is $etc/config.json.refused)"
  fi
  if [ -n "$old" ] && [ "$old$replaced" != "${release}no" ]; then
    point current "$old"
    system_files "$ROOT$base/current/"
    changed=yes
    start
    if healthy; then
      die "release $release was taken back; $old runs again$back"
    fi
    why
    die "release $release was taken back; $old does not run either"
  fi
  systemctl stop fieldagent.service || true
  die "there is no release before it; the service is stopped, configuration and data are kept"
}

# Two releases stay: the one that runs and the one before.
tidy() {
  for one in "$ROOT$base/releases"/*; do
    case "$(basename "$one")" in
      "$(current)" | "$(before)") ;;
      *) rm -rf "$one" ;;
    esac
  done
}

rollback() {
  need_root
  old=$(before)
  [ -n "$old" ] && [ -d "$ROOT$base/releases/$old" ] || die "there is no release before this one"
  now=$(current)
  point before "$now"
  point current "$old"
  changed=no
  system_files "$ROOT$base/current/"
  changed=yes
  start
  healthy || { why; die "release $old does not run either; 'rollback' again goes back to $now"; }
  say "release $old runs; 'rollback' again goes back to $now"
  say "an older release may note less of what it sends: whom to ask to erase it is known in full again of what is sent after the next update"
}

# give_back : what belonged to groups that are gone is root's alone again, as it was before the rules.
give_back() {
  udevadm control --reload 2>/dev/null || true
  find /dev -xdev -nogroup -exec chgrp root {} + -exec chmod 600 {} + 2>/dev/null || true
  find /sys/devices -nogroup -exec chgrp root {} + -exec chmod g-w {} + 2>/dev/null || true
}

uninstall() {
  need_root
  systemctl disable --now --quiet fieldagent-autostart.service 2>/dev/null || true
  systemctl disable --now --quiet fieldagent.service 2>/dev/null || true
  rm -f "$ROOT$unit" "$ROOT$boot_unit" "$ROOT$sysusers" "$ROOT$tmpfiles" "$ROOT$rules" "$ROOT$program"
  rm -rf "$ROOT$base"
  systemctl daemon-reload
  systemctl reset-failed --quiet fieldagent.service 2>/dev/null || true
  if [ "${1:-}" = --purge ]; then
    added=$(cat "$ROOT$etc/$made" 2>/dev/null || true)
    rm -rf "$ROOT$etc" "$ROOT$state" "$ROOT/run/fieldagent"
    if [ -z "$ROOT" ]; then
      userdel fieldagent 2>/dev/null || true
      echo "$added" | sed -n 's/^group //p' | while read -r group; do groupdel "$group" 2>/dev/null || true; done
      give_back
    fi
    kept=$(echo "$added" | grep -v '^group ' | tr '\n' ' ')
    say "removed, with configuration, keys and data"
    [ -z "${kept% }" ] || say "Debian packages that came with it stay: apt-get purge ${kept% }"
  else
    say "removed; configuration ($etc) and data ($state) are kept; 'uninstall --purge' removes them as well"
  fi
}

case "${1:-}" in
  install) shift; install_release "$@" ;;
  packages)
    # shellcheck disable=SC2046
    missing=$(missing_of $needed $(packages_of "${2:?release folder}" "${3:?configuration}"))
    say "would install from Debian:${missing:- nothing; all is there}"
    ;;
  rollback) rollback ;;
  uninstall) uninstall "${2:-}" ;;
  *) die "usage: board.sh install [--autostart] FOLDER [CONFIG] | packages FOLDER CONFIG | rollback | uninstall [--purge]" ;;
esac
