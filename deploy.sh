#!/usr/bin/env bash
# The one entry to FieldAgent: builds, shows, tests and measures it. See ./deploy.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

usage() {
  cat <<'TXT'
usage: ./deploy.sh [--dry-run] COMMAND

  build                 publish the agent to out/; the executable is out/fieldagent
  demo [--for 20s]      build, then watch simulated readings, positions and photographs go through
                        gate, spool and a real MQTT broker, with the broker stopped half way
  test [FILTER]         build and run every test; says what failed and why;
                        the last line is: N passed, N failed, N skipped
  bench [privacy|devices] [--json]
                        measure throughput, bytes, memory and start-up; prints a table;
                        with the word privacy: policy, decision and erasure instead;
                        with the word devices: GPIO, I2C, IIO and camera, on the virtual board
  install [USER@HOST]   build for that board (this machine when none is named), copy the release over SSH, start it as
                        a service, wait until it is healthy, and put the release before back when it is not;
                        it starts with the board only where that was granted (--autostart, or later
                        'fieldagent consent grant autostart')
  rollback [USER@HOST]  go back to the release before
  uninstall [USER@HOST] [--purge]
                        remove the program; with --purge configuration, keys and data as well

  --port P, --identity FILE   for SSH
  --config FILE               install: the board's configuration; without it the one that is there is kept
  --build FOLDER              install: what 'build' left there (out/), instead of building anew
  --autostart                 install: grant, as the operator, that the agent starts with the board; off without it

  --dry-run             say what would be done, do nothing
  --help                this text

Needs a Debian with the .NET 10 SDK. Anything else that a command needs (the MQTT broker and client
library, say) is installed from Debian's packages, and named when it is.
Exit codes: 0 done, 1 failed, 64 wrong usage.
TXT
}

say() { printf 'deploy: %s\n' "$*" >&2; }
die() { printf 'deploy: %s\n' "$2" >&2; exit "$1"; }

dry_run=no
run() {
  if [ "$dry_run" = yes ]; then
    printf 'would run:'; printf ' %q' "$@"; printf '\n'
  else
    "$@"
  fi
}

# need PACKAGE... : installs the Debian packages that are missing, and says so.
need() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die 1 "missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing from Debian: ${missing[*]}"
  run "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  run "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_sdk() {
  command -v dotnet >/dev/null || die 1 "the .NET 10 SDK is missing: put 'dotnet' on PATH and run this again"
}

# runtime_id PROCESSOR : as 'uname -m' names it.
runtime_id() {
  case "$1" in
    x86_64) echo linux-x64 ;;
    aarch64) echo linux-arm64 ;;
    armv7l) echo linux-arm ;;
    *) die 1 "no build for this processor: $1" ;;
  esac
}

# The best form that the package feed allows: one trimmed, pre-compiled file with its runtime; else a
# framework-dependent folder that the installed runtime starts.
build() {
  need_sdk
  need libmosquitto1
  publish "$(runtime_id "$(uname -m)")"
}

# as_release PROJECT RUNTIME_ID FOLDER : the form of a release
as_release() {
  run dotnet publish "$1" -c Release -r "$2" --self-contained -o "$3" \
    -p:PublishSingleFile=true -p:PublishTrimmed=true -p:PublishReadyToRun=true -v quiet --nologo
}

# publish RUNTIME_ID : fills out/
publish() {
  local rid=$1 log
  log=$(mktemp)
  rm -rf out
  say "building out/fieldagent ($rid, self-contained, pre-compiled, trimmed, single file)"
  if as_release src/FieldAgent.Agent "$rid" out >"$log" 2>&1; then
    rm -f "$log" out/*.pdb out/*.xml
  elif grep -qE 'NU1101|NU1102|NETSDK1094|NETSDK1112' "$log"; then
    say "the feed has no runtime pack for $rid: building the framework-dependent form instead"
    rm -f "$log"
    run dotnet publish src/FieldAgent.Agent -c Release -r "$rid" --self-contained false -p:UseAppHost=false -o out -v quiet --nologo
    if [ "$dry_run" = no ]; then
      printf '#!/bin/sh\nexec dotnet "$(dirname "$(readlink -f "$0")")/fieldagent.dll" "$@"\n' >out/fieldagent
      chmod +x out/fieldagent
    fi
  else
    cat "$log" >&2
    rm -f "$log"
    die 1 "the build failed"
  fi
}

demo() {
  build
  need mosquitto libmosquitto1
  run "$root/out/fieldagent" demo --config "$root/hardware/boards/simulated.json" "$@"
}

test_all() {
  need_sdk
  need mosquitto mosquitto-clients libmosquitto1 libsqlite3-0 python3-jsonschema libjpeg-turbo-progs libturbojpeg0 libmodbus5 libzbar0 ffmpeg
  local results status=0 filter=()
  [ $# -gt 0 ] && filter=(--filter "$1")
  results=$(mktemp -d)
  say "building"
  run dotnet build FieldAgent.sln -v quiet --nologo
  # The tests on the virtual board run what a board gets.
  publish "$(runtime_id "$(uname -m)")"
  export FIELDAGENT_OUT=$root/out
  say "testing"
  # One project after the other: several tests drive real brokers and file systems.
  run dotnet test FieldAgent.sln --no-build --nologo -m:1 -v quiet "${filter[@]}" \
    --logger trx --results-directory "$results" || status=1
  [ "$dry_run" = yes ] && return 0
  count "$results" "$status"
}

# count FOLDER STATUS : says from the runner's results which tests failed and why, and what was skipped; adds up. Fails when a test failed
# or none ran.
count() {
  local status=$2
  python3 - "$1" <<'PY' || status=1
import collections, glob, sys
import xml.etree.ElementTree as xml

NAMESPACE = {"t": "http://microsoft.com/schemas/VisualStudio/TeamTest/2010"}
TESTS, LINES, COLUMNS = 50, 10, 300

failed, skipped, counts = [], collections.Counter(), collections.Counter()
for path in sorted(glob.glob(sys.argv[1] + "/*.trx")):
    try:
        run = xml.parse(path).getroot()
    except xml.ParseError as problem:
        failed.append(("a run as a whole", f"its results cannot be read: {problem}"))
        continue
    for counters in run.iterfind(".//t:Counters", NAMESPACE):
        counts.update({key: int(value) for key, value in counters.items()})
    classes = {test.get("id"): test.find("t:TestMethod", NAMESPACE).get("className") for test in run.iterfind(".//t:UnitTest", NAMESPACE)}
    for result in run.iterfind(".//t:UnitTestResult", NAMESPACE):
        text = result.findtext(".//t:ErrorInfo/t:Message", "", NAMESPACE).strip()
        if result.get("outcome") == "NotExecuted":
            skipped[text.partition("\n")[0]] += 1
        elif result.get("outcome") != "Passed":
            name, of = result.get("testName"), classes.get(result.get("testId"), "")
            failed.append((name if name.startswith(of) else f"{of}.{name}", text))
    # Beside what ended a run, the runner repeats here who failed.
    for info in run.iterfind(".//t:RunInfo[@outcome='Error']", NAMESPACE):
        text = info.findtext("t:Text", "", NAMESPACE).strip()
        if not text.endswith("[FAIL]"):
            failed.append(("a run as a whole", text))

for title, text in failed[:TESTS]:
    lines = [line.rstrip()[:COLUMNS] for line in text.splitlines()] or ["it gave no message"]
    print("failed: " + title, *("    " + line for line in lines[:LINES]), sep="\n")
    if len(lines) > LINES:
        print(f"    ... {len(lines) - LINES} more lines")
if len(failed) > TESTS:
    print(f"... {len(failed) - TESTS} more failed")
for text, count in sorted(skipped.items()):
    print(f"{count:7} {text}")
executed, passed = counts["executed"], counts["passed"]
print(f"{passed} passed, {executed - passed} failed, {counts['total'] - executed} skipped")
sys.exit(0 if executed > 0 and passed == executed and not failed else 1)
PY
  rm -rf "$1"
  return "$status"
}

bench() {
  build
  need mosquitto mosquitto-clients libmosquitto1 libsqlite3-0
  local program=tests/FieldAgent.Benchmarks/bin/release
  say "building the benchmarks in the form of a release"
  if [ -e out/fieldagent.dll ] || ! as_release tests/FieldAgent.Benchmarks "$(runtime_id "$(uname -m)")" "$program" >&2; then
    say "not possible here: they run as any .NET program does, and are compiled while they run"
    run dotnet publish tests/FieldAgent.Benchmarks -c Release -o "$program" -v quiet --nologo
  fi
  run "$program/FieldAgent.Benchmarks" --agent "$root/out/fieldagent" "$@"
}

# board_options ARGUMENT... : sets host, ssh_options, config, purge from the arguments of install, rollback, uninstall.
board_options() {
  host='' config='' purge='' built='' autostart='' ssh_options=(-o BatchMode=yes -o ConnectTimeout=15)
  while [ $# -gt 0 ]; do
    case "$1" in
      --port) ssh_options+=(-p "${2:?--port needs a number}"); shift ;;
      --identity) ssh_options+=(-i "${2:?--identity needs a file}"); shift ;;
      --config) config=${2:?--config needs a file}; shift ;;
      --build) built=${2:?--build needs a folder}; shift ;;
      --purge) purge=--purge ;;
      --autostart) autostart=--autostart ;;
      --dry-run) dry_run=yes ;;
      -*) die 64 "unknown option: $1; see ./deploy.sh --help" ;;
      *) [ -z "$host" ] || die 64 "name one board, not two: $host, $1"; host=$1 ;;
    esac
    shift
  done
  [ -z "$config" ] || [ -r "$config" ] || die 64 "there is no file $config"
  [ -z "$built" ] || [ -x "$built/fieldagent" ] || die 64 "there is no program in $built: './deploy.sh build' makes one in out/"
  [ -z "$host" ] || command -v ssh >/dev/null || need openssh-client
}

# release BUILD FOLDER : puts together in FOLDER what goes to the board, named after what is in it.
release() {
  local built=$1 folder=$2 version
  mkdir -p "$folder/systemd"
  cp -R "$built/." "$folder"
  cp README.md "$folder"
  cp systemd/* "$folder/systemd"
  version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
  printf '%s-%s\n' "$version" "$(cd "$folder" && find . -type f ! -name RELEASE -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)" >"$folder/RELEASE"
}

# on_board COMMAND... : runs board.sh with root's rights, here or over SSH; standard input is the release as a tar archive, or nothing.
on_board() {
  local script='set -e; dir=$(mktemp -d); trap "rm -rf $dir" EXIT; tar -x -z -f - -C "$dir"; as_root=; [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
    if [ "$1" = install ]; then set -- install ${2:+"$2"} "$dir" "$([ -e "$dir/board-config.json" ] && echo "$dir/board-config.json" || true)"; fi
    chmod 755 "$dir"; $as_root sh "$dir/systemd/board.sh" "$@"'
  if [ -n "$host" ]; then
    # The words arrive at the other end as they were here.
    ssh "${ssh_options[@]}" "$host" "$(printf '%q ' bash -c "$script" board "$@")"
  else
    bash -c "$script" board "$@"
  fi
}

# packages_of CONFIG : what its sensors need besides, as far as a program that is built here can say.
packages_of() {
  local program=${built:-out}/fieldagent
  if [ -n "$1" ] && [ -x "$program" ]; then
    "$program" check-config --packages "$1" | sed 's/^/ /' | tr -d '\n'
  else
    printf ' and what the sensors of its configuration need'
  fi
}

install_board() {
  board_options "$@"
  local processor folder
  if [ "$dry_run" = yes ]; then
    say "would build for ${host:-this machine}, copy the release and systemd/ there, and run 'board.sh install' as root:"
    say "packages libmosquitto1 libsqlite3-0 ca-certificates$(packages_of "$config"); /opt/fieldagent, /usr/bin/fieldagent, /etc/fieldagent,"
    say "/etc/systemd/system/fieldagent.service and fieldagent-autostart.service, sysusers, tmpfiles and udev rules; then wait for a healthy"
    if [ -n "$autostart" ]; then
      say "'fieldagent status', and grant that the agent starts with the board"
    else
      say "'fieldagent status'. After a reboot the agent would start only where that was granted before (--autostart grants it)"
    fi
    return 0
  fi
  if [ -n "$host" ]; then
    processor=$(ssh "${ssh_options[@]}" "$host" uname -m) ||
      die 1 "no connection to $host: check its address, --port and --identity, and that 'ssh $host' knows its host key"
  else
    processor=$(uname -m)
  fi
  if [ -z "$built" ]; then
    need_sdk
    publish "$(runtime_id "$processor")"
    built=out
  fi
  if [ -e "$built/fieldagent.dll" ]; then
    say "this form needs the .NET 10 runtime on the board ('dotnet' on its PATH)"
  fi
  folder=$(mktemp -d)
  release "$built" "$folder"
  [ -z "$config" ] || cp "$config" "$folder.config"
  say "installing release $(cat "$folder/RELEASE") on ${host:-this machine}"
  # A release that is there already is not copied again.
  local status=0 parts=(.)
  [ -z "$config" ] || mv "$folder.config" "$folder/board-config.json"
  if [ -n "$host" ] && ssh "${ssh_options[@]}" "$host" test -d "/opt/fieldagent/releases/$(cat "$folder/RELEASE")" </dev/null; then
    parts=(./RELEASE ./systemd)
    [ -z "$config" ] || parts+=(./board-config.json)
  fi
  tar -c -z -f - -C "$folder" "${parts[@]}" | on_board install $autostart || status=$?
  rm -rf "$folder"
  return "$status"
}

rollback_board() {
  board_options "$@"
  [ "$dry_run" = yes ] && { say "would go back to the release before on ${host:-this machine}"; return 0; }
  tar -c -z -f - systemd/board.sh | on_board rollback
}

uninstall_board() {
  board_options "$@"
  [ "$dry_run" = yes ] && { say "would remove FieldAgent from ${host:-this machine}${purge:+, with configuration, keys and data}"; return 0; }
  tar -c -z -f - systemd/board.sh | on_board uninstall $purge
}

[ "${1:-}" = --dry-run ] && { dry_run=yes; shift; }
command=${1:-}
[ $# -gt 0 ] && shift
case "$command" in
  build) build ;;
  demo) demo "$@" ;;
  test) test_all "$@" ;;
  bench) bench "$@" ;;
  install) install_board "$@" ;;
  rollback) rollback_board "$@" ;;
  uninstall) uninstall_board "$@" ;;
  -h | --help | help) usage ;;
  '') usage >&2; exit 64 ;;
  *) usage >&2; die 64 "unknown command: $command" ;;
esac
