#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ktlsd bears: readers that stall, no descriptors, limits, the death of either process, being
# stopped and reloaded at work. Each test has a ktlsd of its own.


load lib

BODY=200001
LARGE=67108864

setup_file() {
	suite_begin
	"$HELPERS/pattern" body down "$BODY" | sha256sum >"$T/expected"
	backend_start "http=tcp:$IP:3000"
}

teardown_file() {
	suite_end
}

teardown() {
	local name
	for name in stall ktlsd; do
		stop "$name"
	done
}

# ---- the daemon under test ----

serve() { # [LINE]...
	config "$@"
	daemon_start
	server_find
	fetch
	baseline
}

# Writes the configuration, with the same listener always.
config() { # [LINE]...
	config_begin "workers: 2" "$@"
	config_listener web 4433 "tcp:$IP:3000" "ktls: {tx: on, rx: on}" \
		"timeouts: {handshake: 5m, stall: 10m, idle: 10m}"
}

# Sets SERVER to the server process that got ready last.
server_find() {
	SERVER=$(sed -n 's/.* server=\([0-9]*\) .*msg="ready".*/\1/p' "$T/ktlsd.log" | tail -n 1)
	process_started "$SERVER" && SERVER_STARTED=$STARTED
}

server_is_new() { # PID
	server_find && [[ $SERVER != "$1" ]]
}

descriptors() {
	local -a all=("/proc/$SERVER/fd"/*)
	echo "${#all[@]}"
}

resident_kib() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$SERVER/status"
}

baseline() {
	wait_until 20 counter_is connections_open 0
	DESCRIPTORS=$(descriptors) RESIDENT=$(resident_kib)
}

has_as_many_descriptors() {
	[[ $(descriptors) == "$DESCRIPTORS" ]]
}

# Nothing of any connection is left.
everything_returns() {
	local name
	for name in connections_open handshakes_in_flight pipes_in_use; do
		wait_until 30 counter_is "$name" 0 || {
			echo "$name is ${COUNT[$name]}"
			return 1
		}
	done
	wait_until 20 has_as_many_descriptors || {
		echo "$(descriptors) descriptors, not $DESCRIPTORS"
		return 1
	}
	wait_until 20 tls_stat_is_idle || {
		grep TlsCurr /proc/net/tls_stat
		return 1
	}
}

is_sanitized() {
	grep -q __asan_init "$KTLSD_BUILD/ktlsd"
}

# ---- clients ----

# A body comes through a new connection and is what it should be.
fetch() {
	curl --silent --show-error --fail --max-time 60 --resolve "ecdsa.test:4433:$IP" \
		--cacert "$T/ca.pem" "https://ecdsa.test:4433/$BODY" | sha256sum | cmp - "$T/expected"
}

# Starts readers that stall and sets OPEN and REFUSED.
stall() { # ARGUMENT...
	spawn stall "$HELPERS/stall" "$@"
	wait_until 120 log_has stall '^READY ' || {
		cat "$T/stall.log"
		return 1
	}
	read -r _ OPEN REFUSED <"$T/stall.log"
	OPEN=${OPEN#*=} REFUSED=${REFUSED#*=}
}

# True when nothing has moved since it was called last; for wait_until.
nothing_moves() {
	local before=${COUNT[tx_bytes]-}
	sleep 0.5
	counters_read
	[[ ${COUNT[tx_bytes]} == "$before" ]]
}

# ---- readers that stall ----

# As many as emulation bears; all of them where there is none, or with MATRIX=full.
readers() {
	if expect_ktls && [[ ${MATRIX-} != full ]]; then echo 300; else echo 2000; fi
}

@test "2,000 readers stall (300 in a guest, unless MATRIX=full): pipes, memory, neighbours" {
	local n pipes count smallest copied limit
	n=$(readers)
	pipes=$((n / 3 * 2)) # the workers share them
	serve "limits: {pipes: $pipes}"
	stall "$IP" 4433 "$n" "$LARGE"
	((OPEN == n && REFUSED == 0))
	wait_until 60 nothing_moves
	counter_is connections_open "$n"

	# the pool is in use up to its last pipe, and the others are copied for
	if expect_ktls; then
		echo "${COUNT[pipes_in_use]} pipes in use, ${COUNT[pipe_pool_empty]} times none"
		((COUNT[pipes_in_use] == pipes && COUNT[pipe_pool_empty] > 0))
		copied=$((n - pipes))
	else
		((COUNT[pipes_in_use] == 0))
		copied=$n
	fi
	if [[ $EUID == 0 ]]; then
		read -r count smallest < <("$HELPERS/pipes" "$SERVER")
		echo "$count ends of pipes, the smallest of $smallest bytes"
		((count >= 2 * pipes && smallest >= 65536))
	fi

	# 4 KiB a connection, two buffers of a record for each that copies, 16 MiB of what malloc keeps
	limit=$((4 * n + 34 * copied + 16384))
	! is_sanitized || ((limit = limit * 2 + 262144))
	echo "grown by $(($(resident_kib) - RESIDENT)) KiB, may be $limit"
	(($(resident_kib) - RESIDENT <= limit))

	fetch
	fetch
	stop stall
	everything_returns
	fetch
}

# ---- descriptors and limits ----

@test "without descriptors clients are refused as no-fds, and served again when there are some" {
	# raised to the hard limit by ktlsd; two for each connection, and those it works with
	ulimit -n 64
	serve "limits: {pipes: 8}"
	stall "$IP" 4433 40 "$LARGE"
	echo "$DESCRIPTORS descriptors before; open $OPEN, refused $REFUSED"
	((OPEN + REFUSED == 40 && REFUSED > 0))
	wait_log ktlsd 'reason=no-fds'
	stop stall
	everything_returns
	fetch
	# a client counts itself as open also if it is the backend for whom there was none
	counters_read
	echo "no-fds ${COUNT[end/no-fds]}"
	((COUNT[end/no-fds] >= 40 - (64 - DESCRIPTORS) / 2 && COUNT[end/no-fds] < 40))
}

@test "limit of connections: the next ones are refused as limit-connections" {
	serve "limits: {connections: 3}"
	stall "$IP" 4433 8 "$LARGE"
	((OPEN == 3 && REFUSED == 5))
	counter_is connections_open 3
	counter_is end/limit-connections 5
	wait_log ktlsd 'reason=limit-connections'
	stop stall
	everything_returns
	fetch
}

@test "limit of handshakes: the next ones are refused as limit-handshakes" {
	serve "limits: {handshakes: 3}"
	stall -h "$IP" 4433 8 0
	echo "open $OPEN, refused $REFUSED"
	((OPEN == 3 && REFUSED == 5))
	counter_is handshakes_in_flight 3
	counter_is end/limit-handshakes 5
	wait_log ktlsd 'reason=limit-handshakes'
	stop stall
	everything_returns
	fetch
}

# ---- the death of a process ----

@test "the server is killed: the monitor says so and starts it again, and clients only wait" {
	local before
	serve
	stall "$IP" 4433 4 "$LARGE"
	before=$SERVER
	kill -KILL "$before"
	fetch
	log_has ktlsd 'killed by SIGKILL'
	wait_until 20 server_is_new "$before"
	stop stall
	baseline
	everything_returns
}

@test "the monitor is killed: the server ends within 2 s and leaves nothing behind" {
	serve
	stall "$IP" 4433 4 "$LARGE"
	stop ktlsd KILL
	wait_until 2 process_is_gone "$SERVER" "$SERVER_STARTED"
	log_has ktlsd 'the monitor has gone'
	stop stall
	wait_until 20 tls_stat_is_idle
	[[ $(suite_processes) == "$(spawned backend)" ]]
	# addresses, api socket and BPF file system can be had again
	serve
}

@test "SIGTERM ends it within 2 s in the middle of transfers" {
	local pid started
	serve
	stall "$IP" 4433 16 "$LARGE"
	pid=$(spawned ktlsd)
	started=${EPOCHREALTIME/./}
	kill -TERM "$pid"
	wait "$pid"
	echo "$(((${EPOCHREALTIME/./} - started) / 1000)) ms"
	((${EPOCHREALTIME/./} - started < 2000000))
	process_is_gone "$SERVER" "$SERVER_STARTED"
	log_has ktlsd 'reason=shutdown'
	[[ ! -e $T/run/api.sock ]]
	stop stall
	wait_until 20 tls_stat_is_idle
	[[ $(suite_processes) == "$(spawned backend)" ]]
}

# ---- reload ----

@test "SIGHUP with a broken configuration: the former one goes on, and the log says which line" {
	local before
	serve
	before=$SERVER
	echo "    nonsense: 1" >>"$T/ktlsd.yaml"
	kill -HUP "$(spawned ktlsd)"
	wait_log ktlsd "reload refused.*ktlsd.yaml:$(wc -l <"$T/ktlsd.yaml"):.*nonsense"
	# a key that is not there is found by another part
	config
	sed -i 's/ecdsa.test.key/missing.key/' "$T/ktlsd.yaml"
	kill -HUP "$(spawned ktlsd)"
	wait_log ktlsd 'reload refused.*missing.key'
	fetch
	server_find
	[[ $SERVER == "$before" ]]
	everything_returns
}

# New connections, one after the other, until the file is there.
requests_until() { # FILE
	local i
	for i in {1..10}; do
		echo "url = https://ecdsa.test:4433/$BODY"
	done >"$T/requests"
	while [[ ! -e $1 ]]; do
		curl --silent --show-error --fail --fail-early --max-time 60 \
			--header "Connection: close" --resolve "ecdsa.test:4433:$IP" \
			--cacert "$T/ca.pem" --config "$T/requests" |
			sha256sum || return 1
	done
}

reloads_are() { # NUMBER
	[[ $(grep -c 'msg="reloaded"' "$T/ktlsd.log") == "$1" ]]
}

@test "SIGHUP with a changed configuration, five times under load: no request fails" {
	local i
	serve
	export -f requests_until
	export BODY T IP
	# shellcheck disable=SC2016 # for the inner shell
	spawn load bash -o pipefail -c 'requests_until "$1" && echo DONE' _ "$T/enough"
	wait_until 60 test -s "$T/load.log"
	for i in 1 2 3 4 5; do
		config "limits: {connections: 10$i}"
		config_listener "extra$i" $((4440 + i)) "tcp:$IP:3000"
		kill -HUP "$(spawned ktlsd)"
		wait_until 30 reloads_are "$i"
	done
	touch "$T/enough"
	wait_log load '^DONE$'
	for i in {1..10}; do "$HELPERS/pattern" body down "$BODY"; done | sha256sum >"$T/expected-load"
	grep -v DONE "$T/load.log" | sort -u | cmp - "$T/expected-load"
	ctl status --json | jq -e '.listeners | map(.name) == ["web", "extra5"]'
	# the listener of before is there no more
	run ! bash -c "exec 7<>/dev/tcp/$IP/4441"
	config
	kill -HUP "$(spawned ktlsd)"
	wait_until 30 reloads_are 6
	everything_returns
}
