# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A ktlsd of its own for each bats file, with certificates, backend and clients. To be loaded
# with `load lib`. Forks are dear in an emulated guest: what is called often is builtin.
#
#	suite_begin [--no-certificates]	private directory $T, private loopback address $IP
#	suite_end			ends every process that was spawned, removes $T
#	spawn NAME COMMAND...		runs it in the background, output in $T/NAME.log, input from
#					$SPAWN_INPUT or nothing
#	spawned NAME			its process id
#	stop NAME [SIGNAL]		ends it, waits until it is gone
#	wait_until SECONDS COMMAND...	tries it until it succeeds
#	wait_log NAME PATTERN [SECONDS]	waits until a line of its output has PATTERN
#	config_begin [LINE]...		starts $T/ktlsd.yaml with these top-level lines
#	config_listener NAME PORT BACKEND [LINE]...	BACKEND is that of proxy:, or "files:ROOT[, KEY: VALUE]..."
#	daemon_start [WRAPPER...]	starts ktlsd and waits until it serves
#	observer_start			waits until its kernel programs are attached, or cannot be
#	ctl COMMAND...			ktlsctl on its socket
#
# KTLSD_BUILD is the build directory. KTLSD_EXPECT is what the kernel must be able to do: none,
# ktls, or ktls+rekey; so that nothing is left out because something did not work. With
# KTLSD_KEEP=1 the directory stays.

bats_require_minimum_version 1.5.0

# An emulated guest on a busy machine may miss a deadline once; what is wrong fails twice.
export BATS_TEST_RETRIES=1

# ./runtests shows these lines: no test is tried again unseen. Every setup() calls it.
tell_try() {
	trace_sparingly
	((BATS_TEST_TRY_NUMBER < 2)) || echo "# tried again: $BATS_TEST_DESCRIPTION" >&3
}

setup() {
	tell_try
}

# bats notes the stack at every command, to tell where one has failed, which costs fifty times as
# much as most commands do, and half of the time in a guest. So only the commands of a test and of
# setup_file are noted, not those of functions that they call; of these tells the trap for errors, if
# not always the very line. KTLSD_TRACE=1 leaves it to bats.
trace_sparingly() {
	[[ ! ${KTLSD_TRACE-} ]] || return 0
	declare -F bats_debug_trap bats_error_trap bats_capture_stack_trace >/dev/null || return 0
	# one line, as its lines count
	# shellcheck disable=SC2154 # bats's
	trap 'trace_called; [[ $BATS_DEBUG_LAST_STACK_TRACE_IS_VALID ]] || bats_debug_trap "$BASH_SOURCE"' DEBUG
	trap 'bats_error_trap; trace_error' ERR
	set +T
}

# What is called next inherits the trap for commands when bats itself calls.
trace_called() {
	if [[ ${FUNCNAME[1]-} == bats_* ]]; then set -T; else set +T; fi
}

trace_error() {
	case ${FUNCNAME[1]} in
	"${BATS_TEST_NAME-}" | setup_file) ;;
	*) bats_capture_stack_trace ;;
	esac
}

: "${KTLSD_BUILD:?the build directory}"
: "${KTLSD_EXPECT:?none, ktls or ktls+rekey}"
case $KTLSD_EXPECT in none | ktls | ktls+rekey) ;; *)
	echo "KTLSD_EXPECT is '$KTLSD_EXPECT', not none, ktls or ktls+rekey" >&2
	exit 2
	;;
esac
HELPERS=$KTLSD_BUILD/helpers

expect_ktls() { [[ $KTLSD_EXPECT != none ]]; }
expect_rekey() { [[ $KTLSD_EXPECT == ktls+rekey ]]; }

# ---- processes ----

# Without a process that sleeps.
pause() { # [SECONDS]
	[[ ${NOTHING-} ]] || exec {NOTHING}<> <(:)
	read -rt "${1-0.05}" -u "$NOTHING" || true
}

wait_until() { # SECONDS COMMAND...
	local deadline=$((SECONDS + $1)) seconds=0.05
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		pause "$seconds"
		# in a guest with one CPU what tries takes from what it waits for
		case $seconds in 0.05) seconds=0.1 ;; *) seconds=0.2 ;; esac
	done
}

# The moment at which the process started tells it from a later one with the same number.
process_started() { # PID
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	# the command's name, in brackets, may hold anything
	line=${line##*) }
	# shellcheck disable=SC2086 # a list of words
	set -- $line
	[[ $1 != Z ]] && STARTED=${20}
}

process_is_alive() { # PID STARTED
	process_started "$1" && [[ $STARTED == "$2" ]]
}

process_is_gone() { # PID STARTED
	! process_is_alive "$@"
}

spawn() { # NAME COMMAND...
	local name=$1
	shift
	: >"$T/$name.log" # here, or one could still read what a former process said
	KTLSD_SUITE=$T "$@" <"${SPAWN_INPUT:-/dev/null}" >"$T/$name.log" 2>&1 3>&- &
	process_started $! || STARTED=0
	echo "$! $STARTED" >"$T/$name.pid"
}

spawned() { # NAME
	local pid started
	read -r pid started <"$T/$1.pid"
	echo "$pid"
}

is_running() { # NAME
	local pid started
	read -r pid started <"$T/$1.pid"
	process_is_alive "$pid" "$started"
}

stop() { # NAME [SIGNAL]
	local pid started
	[[ -e $T/$1.pid ]] || return 0
	read -r pid started <"$T/$1.pid"
	rm "$T/$1.pid"
	process_is_alive "$pid" "$started" || return 0
	# it may end by itself meanwhile
	kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
	wait_until 20 process_is_gone "$pid" "$started" && return 0
	echo "$1 does not end by ${2:-TERM}" >&2
	kill -KILL "$pid"
	return 1
}

# Every process that comes from this suite, whoever started it.
suite_processes() {
	local file
	while read -r file; do
		file=${file#/proc/}
		echo "${file%/environ}"
	done < <(grep -lszxF "KTLSD_SUITE=$T" /proc/[0-9]*/environ) # of which some may have ended
}

log_has() { # NAME PATTERN
	grep -qE -- "$2" "$T/$1.log"
}

# Reads on in an open log, as it grows, until a line has PATTERN; sets LINE to that. Without a process at
# each try, which would take its time from what is waited for.
log_follow() { # SECONDS FD PATTERN [NAME]: no longer than that process lives
	local deadline=$((SECONDS + $1)) part has_ended=''
	LINE=
	while :; do
		while IFS= read -ru "$2" part; do
			LINE+=$part
			[[ ! $LINE =~ $3 ]] || return 0
			LINE=
		done
		# a line that has no end yet
		LINE+=$part
		[[ ! $LINE =~ $3 ]] || return 0
		[[ ! $has_ended ]] && ((SECONDS < deadline)) || return 1
		if [[ ${4-} ]] && ! is_running "$4"; then has_ended=1; else pause; fi
	done
}

log_comes() { # SECONDS NAME PATTERN [NAME]
	local fd status=0 LINE
	exec {fd}<"$T/$2.log"
	log_follow "$1" "$fd" "${@:3}" || status=1
	exec {fd}<&-
	return "$status"
}

wait_log() { # NAME PATTERN [SECONDS]
	log_comes "${3-30}" "$1" "$2" && return
	echo "$1.log never said: $2"
	tail -n 20 "$T/$1.log"
	return 1
}

# ---- a suite ----

suite_begin() { # [--no-certificates]
	local root=/tmp n=$$

	trace_sparingly
	[[ $EUID == 0 ]] && root=/run
	T=$(mktemp -d "$root/ktlsd-test.XXXXXX")
	IP=127.$((1 + n / 62500 % 250)).$((n / 250 % 250)).$((1 + n % 250))
	export T IP
	# the server process is another user
	chmod 755 "$T"
	[[ ${1-} == --no-certificates ]] || certificates
}

suite_end() {
	local file pid status=0
	trace_sparingly
	[[ -n ${T-} && -d $T ]] || return 0
	for file in "$T"/*.pid; do
		[[ ! -e $file ]] || stop "$(basename "$file" .pid)" || status=1
	done
	for pid in $(suite_processes); do
		echo "left behind: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")" >&2
		kill -KILL "$pid" || true
		status=1
	done
	if [[ -z ${KTLSD_KEEP-} ]]; then
		# the kernel programs outlive ktlsd, but not their file system
		umount "$T/run/bpf" 2>/dev/null || true
		rm -rf "$T"
	fi
	return "$status"
}

certificate() { # NAME GENERATION_OPTION...
	local name=$1
	shift
	openssl req -x509 -nodes -days 3650 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
		-keyout "$T/$name.key" -out "$T/$name.pem" "$@" 2>/dev/null
}

# The default certificate, and one to be had by its name. $T/ca.pem trusts them both. An RSA key takes
# seconds in an emulated guest: all files of a run have the same.
certificates() {
	local shared=$BATS_RUN_TMPDIR/certificates
	if [[ ! -d $shared ]]; then
		certificate ecdsa.test -newkey ec -pkeyopt ec_paramgen_curve:P-256
		certificate rsa.test -newkey rsa:2048
		cat "$T/ecdsa.test.pem" "$T/rsa.test.pem" >"$T/ca.pem"
		mkdir "$shared"
		cp "$T"/*.pem "$T"/*.key "$shared"
	fi
	cp "$shared"/* "$T"
}

# ---- the daemon ----

config_begin() { # [LINE]...
	local user
	user=$(id -un)
	[[ $EUID != 0 ]] || user=nobody
	printf '%s\n' "user: $user" "runtime-directory: $T/run" "$@" >"$T/ktlsd.yaml"
	# others test here too, and the default address is one for all
	[[ $* == *metrics:* ]] || echo "metrics: off" >>"$T/ktlsd.yaml"
	CONFIG_LISTENERS=0
}

config_listener() { # NAME PORT BACKEND [LINE]...
	local name=$1 port=$2 backend="proxy: $3"
	[[ $3 != files:* ]] || backend="files: {root: ${3#files:}}"
	shift 3
	((CONFIG_LISTENERS++)) || echo "listeners:" >>"$T/ktlsd.yaml"
	cat >>"$T/ktlsd.yaml" <<-YAML
	  - name: $name
	    address: $IP:$port
	    $backend
	    certificates:
	      - {chain: ecdsa.test.pem, key: ecdsa.test.key}
	      - {chain: rsa.test.pem, key: rsa.test.key}
	YAML
	(($# == 0)) || printf '    %s\n' "$@" >>"$T/ktlsd.yaml"
}

daemon_start() { # [WRAPPER...]
	spawn ktlsd "$@" "$KTLSD_BUILD/ktlsd" --config "$T/ktlsd.yaml"
	# the probe of an emulated kernel loads modules and takes its time
	log_comes 90 ktlsd 'msg="ready"' ktlsd && return
	echo "ktlsd does not get ready:"
	cat "$T/ktlsd.log"
	return 1
}

# Waits until the kernel programs are there, or cannot be.
observer_start() {
	log_comes 90 ktlsd 'msg="(programs (watch|wait)|sockets of others are not|what happens to)' ktlsd
}

ctl() { # COMMAND...
	"$KTLSD_BUILD/ktlsctl" "$@" --socket "$T/run/api.sock"
}

backend_start() { # MODE=ADDRESS...
	spawn backend "$HELPERS/backend" "$@"
	wait_log backend '^READY$'
}

# Sets COUNT[name] to every counter, and COUNT[end/REASON], COUNT[tx/REASON] and COUNT[rx/REASON].
# Not by jq, which takes its time to start and is called much.
counters_read() {
	local text
	local counter='\{"name":"([a-z0-9_]+)","unit":"[a-z]+","gauge":(true|false),"value":([0-9]+)\}'
	local reason='\{"where":"([a-z]+)","reason":"([a-z-]+)","class":"[a-z]+","count":([0-9]+)\}'
	declare -gA COUNT=()
	text=$(ctl status --json) || [[ $? == 3 ]] # 3: it knows of problems
	text=${text%%\"observer\":*}
	while [[ $text =~ $counter ]]; do
		COUNT[${BASH_REMATCH[1]}]=${BASH_REMATCH[3]}
		text=${text#*"${BASH_REMATCH[0]}"}
	done
	while [[ $text =~ $reason ]]; do
		COUNT[${BASH_REMATCH[1]}/${BASH_REMATCH[2]}]=${BASH_REMATCH[3]}
		text=${text#*"${BASH_REMATCH[0]}"}
	done
	[[ ${COUNT[connections_open]+there} ]]
}

# True if COUNT[NAME] is VALUE now; for wait_until.
counter_is() { # NAME VALUE
	counters_read
	[[ ${COUNT[$1]-0} == "$2" ]]
}

# ---- the kernel ----

# Sets TLS_STAT[name] to the network namespace's counters; empty where the kernel has no TLS.
tls_stat_read() {
	local name value
	declare -gA TLS_STAT=()
	[[ -e /proc/net/tls_stat ]] || return 0
	while read -r name value; do
		TLS_STAT[$name]=$value
	done </proc/net/tls_stat
}

# No kernel-TLS socket is left; for wait_until.
tls_stat_is_idle() {
	local name
	tls_stat_read
	for name in "${!TLS_STAT[@]}"; do
		[[ $name != TlsCurr* || ${TLS_STAT[$name]} == 0 ]] || return 1
	done
}
