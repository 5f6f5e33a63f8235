#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ktlsd bears: readers that stall, no descriptors, limits, the death of either process, being
# stopped and reloaded at work. A start is dear in a guest: a ktlsd that still runs is reloaded.

load lib

WORKERS=2
BODY=100001
LARGE=67108864

# Readers that stall: as many as emulation bears, all where there is none or with MATRIX=full; and
# the pipes for two thirds of them, as the workers share them.
if expect_ktls && [[ ${MATRIX-} != full ]]; then READERS=300; else READERS=2000; fi
PIPES=$((READERS / 3))
((PIPES *= 2))

setup_file() {
	suite_begin
	"$HELPERS/pattern" body down "$BODY" | sha256sum >"$T/expected"
	backend_start "http=tcp:$IP:3000" "http=unix:$T/backend.sock"
}

teardown_file() {
	suite_end
}

teardown() {
	stop stall
	# what a failed test leaves is not for the next one
	[[ ${BATS_TEST_COMPLETED-} ]] || stop ktlsd
}

# ---- the daemon under test ----

# It serves with this configuration.
serve() { # [LIMIT...]
	config "$@"
	if [[ -e $T/ktlsd.pid ]]; then
		reload
	else
		daemon_start
		fetch
	fi
	server_find
	baseline
}

# Writes the configuration, with the same listeners always.
config() { # [LIMIT]...
	local timeouts="timeouts: {handshake: 5m, stall: 10m, idle: 10m}"
	config_begin "workers: $WORKERS" "limits: {pipes: $PIPES${1+, }$*}"
	config_listener web 4433 "tcp:$IP:3000" "ktls: {tx: on, rx: on}" "$timeouts"
	config_listener local 4434 "unix:$T/backend.sock" "ktls: {tx: on, rx: on}" "$timeouts"
}

reloads_are() { # NUMBER
	[[ $(reloads) == "$1" ]]
}

reloads() {
	grep -c 'msg="reloaded"' "$T/ktlsd.log"
}

reload() {
	local n
	n=$(reloads) || true
	kill -HUP "$(spawned ktlsd)"
	wait_until 30 reloads_are "$((n + 1))"
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

# A client of the API may still be on its way out.
descriptors_stay() {
	local before=${DESCRIPTORS-}
	sleep 0.1
	DESCRIPTORS=$(descriptors)
	[[ $DESCRIPTORS == "$before" ]]
}

baseline() {
	wait_until 20 counter_is connections_open 0
	counters_read
	declare -gA BEFORE=()
	local name
	for name in "${!COUNT[@]}"; do
		BEFORE[$name]=${COUNT[$name]}
	done
	RESIDENT=$(resident_kib)
	wait_until 20 descriptors_stay
}

counter_grew_by() { # NAME NUMBER
	counters_read
	((COUNT[$1] - ${BEFORE[$1]-0} == $2))
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

# What a sanitizer keeps beside each byte: ASan an eighth and freed memory, TSan four words a word.
memory_factor() {
	if grep -q __asan_init "$KTLSD_BUILD/ktlsd"; then
		echo 2
	elif grep -q __tsan_init "$KTLSD_BUILD/ktlsd"; then
		echo 6
	else
		echo 1
	fi
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
	wait_log stall '^READY ' 120 || {
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

@test "2,000 readers stall (300 in a guest, unless MATRIX=full): pipes, memory, neighbours" {
	local count smallest copied limit factor
	serve
	stall "$IP" 4434 "$READERS" "$LARGE"
	((OPEN == READERS && REFUSED == 0))
	wait_until 60 nothing_moves
	counter_is connections_open "$READERS"

	# the pool is in use up to its last pipe, and the others are copied for
	if expect_ktls; then
		echo "${COUNT[pipes_in_use]} pipes in use, ${COUNT[pipe_pool_empty]} times none"
		((COUNT[pipes_in_use] == PIPES && COUNT[pipe_pool_empty] > 0))
		copied=$((READERS - PIPES))
	else
		((COUNT[pipes_in_use] == 0))
		copied=$READERS
	fi
	if [[ $EUID == 0 ]]; then
		read -r count smallest < <("$HELPERS/pipes" "$SERVER")
		echo "$count ends of pipes, the smallest of $smallest bytes"
		((count >= 2 * PIPES && smallest >= 65536))
	fi

	# 4 KiB a connection, two buffers of a record for each that copies, 16 MiB of what malloc keeps
	limit=$((4 * READERS + 34 * copied + 16384))
	factor=$(memory_factor)
	((factor == 1)) || ((limit = limit * factor + 262144))
	echo "grown by $(($(resident_kib) - RESIDENT)) KiB, may be $limit"
	(($(resident_kib) - RESIDENT <= limit))

	fetch
	fetch
	stop stall
	everything_returns
	fetch
}

# ---- limits ----

@test "limit of connections: the next ones are refused as limit-connections" {
	serve "connections: 3"
	stall "$IP" 4433 8 "$LARGE"
	((OPEN == 3 && REFUSED == 5))
	counter_is connections_open 3
	counter_grew_by end/limit-connections 5
	wait_log ktlsd 'reason=limit-connections'
	stop stall
	everything_returns
	fetch
}

@test "limit of handshakes: the next ones are refused as limit-handshakes" {
	serve "handshakes: 3"
	stall -h "$IP" 4433 8 0
	echo "open $OPEN, refused $REFUSED"
	((OPEN == 3 && REFUSED == 5))
	counter_is handshakes_in_flight 3
	counter_grew_by end/limit-handshakes 5
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
	stall "$IP" 4434 16 "$LARGE"
	read -r pid started <"$T/ktlsd.pid"
	kill -TERM "$pid"
	wait_until 2 process_is_gone "$pid" "$started"
	rm "$T/ktlsd.pid"
	log_has ktlsd 'msg="ended"'
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
	for i in {1..5}; do
		echo "url = https://ecdsa.test:4433/$BODY"
	done >"$T/requests"
	while [[ ! -e $1 ]]; do
		curl --silent --show-error --fail --fail-early --max-time 60 \
			--header "Connection: close" --resolve "ecdsa.test:4433:$IP" \
			--cacert "$T/ca.pem" --config "$T/requests" |
			sha256sum || return 1
	done
}

@test "SIGHUP with a changed configuration, three times under load: no request fails" {
	local i
	serve
	export -f requests_until
	export BODY T IP
	# shellcheck disable=SC2016 # for the inner shell
	spawn load bash -o pipefail -c 'requests_until "$1" && echo DONE' _ "$T/enough"
	wait_until 60 test -s "$T/load.log"
	for i in 1 2 3; do
		config "connections: 10$i"
		config_listener "extra$i" $((4440 + i)) "tcp:$IP:3000"
		reload
	done
	touch "$T/enough"
	wait_log load '^DONE$'
	for i in {1..5}; do "$HELPERS/pattern" body down "$BODY"; done | sha256sum >"$T/expected-load"
	grep -v DONE "$T/load.log" | sort -u | cmp - "$T/expected-load"
	ctl status --json | jq -e '.listeners | map(.name) == ["web", "local", "extra3"]'
	# the listener of before is there no more
	run ! bash -c "exec 7<>/dev/tcp/$IP/4441"
	config
	reload
	everything_returns
}

@test "reloads at once: who is not told that it is in force is told to try again" {
	local n answers
	local -a pids
	serve
	for n in {1..5}; do
		pids=()
		for answers in a b c; do
			ctl reload >"$T/reload-$answers" 2>&1 &
			pids+=($!)
		done
		wait "${pids[@]}" || true
		cat "$T"/reload-?
		answers=$(cat "$T"/reload-? | grep -c 'is in force\.$')
		[[ $answers == 3 || $(<"$T/reload-a")$(<"$T/reload-b")$(<"$T/reload-c") == *"try again"* ]]
		run -1 grep -h refused "$T"/reload-?
	done
	everything_returns
}

# ---- descriptors ----

@test "without descriptors clients are refused as no-fds, and the API answers; served again then" {
	stop ktlsd
	PIPES=8
	# another worker could take what one gives up to refuse a client, who then has to wait
	WORKERS=1
	config
	# ktlsd raises it to the hard limit; the clients need more, as it keeps few pipes then
	(ulimit -n 64 && daemon_start)
	serve
	counters_read
	local before=${COUNT[connections_accepted]} # and so many of the listeners
	# in the handshake a connection has one descriptor
	stall -h "$IP" 4433 60 0
	echo "$DESCRIPTORS descriptors before; open $OPEN, refused $REFUSED"
	((OPEN > 0 && REFUSED > 0 && OPEN + REFUSED == 60))
	counters_read
	echo "open ${COUNT[connections_open]}, no-fds ${COUNT[end/no-fds]}, accepted ${COUNT[connections_accepted]}"
	((COUNT[connections_open] == OPEN && COUNT[end/no-fds] == REFUSED))
	# those that were refused too
	((COUNT[connections_accepted] == before + OPEN + REFUSED))
	ctl status --json | jq -e "([.listeners[].accepted] | add) == $((before + OPEN + REFUSED))"
	log_has ktlsd 'reason=no-fds'
	stop stall
	everything_returns
	fetch
	stop ktlsd
}

@test "without descriptors a reload is refused, a fresh probe too, and all is as before then" {
	local n before
	PIPES=8 WORKERS=1
	stop ktlsd
	config
	(ulimit -n 64 && daemon_start)
	serve
	before=$SERVER
	ctl probe --json >"$T/probe-before" || (($? == 3)) # without kernel TLS
	for n in {1..4}; do
		config_listener "more$n" $((4450 + n)) "tcp:$IP:3000"
	done
	stall -h "$IP" 4433 60 0
	run -1 ctl probe --fresh
	echo "$output"
	[[ $output == *"the probe could not run"* ]]
	kill -HUP "$(spawned ktlsd)"
	wait_log ktlsd 'reload refused.*no descriptor left'
	stop stall
	run -1 grep -E 'cannot start|nobody has sent' "$T/ktlsd.log"
	everything_returns
	ctl probe --json >"$T/probe-after" || (($? == 3))
	cmp "$T/probe-before" "$T/probe-after"
	server_find
	[[ $SERVER == "$before" ]]
	reload
	# it still starts a server that has died
	kill -KILL "$SERVER"
	wait_until 30 server_is_new "$before"
	fetch
	stop ktlsd
}
