#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an operator limits, and how one takes a listener out of service.

load lib

BODY=100001

backend() {
	backend_start "http=tcp:$IP:3000" "echo=tcp:$IP:3001" "mute=tcp:$IP:3002"
}

setup_file() {
	suite_begin
	"$HELPERS/pattern" body down "$BODY" | sha256sum >"$T/expected"
	backend
	config
	daemon_start
}

teardown_file() {
	suite_end
}

teardown() {
	stop first
	stop second
	stop drain
	stop stall
	# connections that still wait for its answer end with it
	stop backend
	backend
	# what a failed test leaves is not for the next one
	[[ ${BATS_TEST_COMPLETED-} ]] || { stop ktlsd && config && daemon_start; }
}

config() { # [LIMIT]...
	config_begin "workers: 2" "limits: {pipes: 16${1+, }$*}"
	config_listener web 4433 "tcp:$IP:3000"
	config_listener echo 4434 "tcp:$IP:3001"
	config_listener mute 4435 "tcp:$IP:3002"
	config_listener short 4436 "tcp:$IP:3001" "timeouts: {total: 2s, idle: 1s}"
}

# It serves with this configuration; nothing of before is left.
serve() { # [LIMIT]...
	config "$@"
	ctl reload
	wait_until 20 counter_is connections_open 0
	counters_read
	declare -gA BEFORE=()
	local name
	for name in "${!COUNT[@]}"; do
		BEFORE[$name]=${COUNT[$name]}
	done
}

grew_by() { # NAME NUMBER
	counters_read
	((COUNT[$1] - ${BEFORE[$1]-0} == $2))
}

grew() { # NAME NUMBER
	wait_until 20 grew_by "$@" || {
		echo "$1 grew by $((COUNT[$1] - ${BEFORE[$1]-0})), not $2"
		return 1
	}
}

# A body comes through a new connection, from that address, and is what it should be.
fetch() { # [CURL_OPTION...]
	curl --silent --show-error --fail --max-time 60 --resolve "ecdsa.test:4433:$IP" \
		--cacert "$T/ca.pem" "$@" "https://ecdsa.test:4433/$BODY" | sha256sum |
		cmp - "$T/expected"
}

# A client that takes these steps and says what it sees; no line comes to it.
open_client() { # NAME PORT STEP...
	rm -f "$T/$1.in"
	mkfifo "$T/$1.in"
	SPAWN_INPUT=$T/$1.in spawn "$1" "$HELPERS/evil" -t 120 "$IP" "${@:2}"
	# shellcheck disable=SC2034 # open as long as the test
	exec {INPUT}>"$T/$1.in"
	wait_log "$1" '^READY$'
}

is_refused() { # PORT
	! bash -c "exec 7<>/dev/tcp/$IP/$1" 2>"$T/refused" && grep -q refused "$T/refused"
}

has_ended() { # NAME
	! is_running "$1"
}

state_of() { # LISTENER
	ctl status --json | jq -r ".listeners[] | select(.name == \"$1\") | .draining"
}

# ---- limits ----

@test "connections of one address: the next ones are refused, others are not" {
	serve "connections-per-address: 2"
	spawn stall "$HELPERS/stall" "$IP" 4434 4 0
	wait_log stall '^READY '
	grep -qx 'READY open=2 refused=2' "$T/stall.log"
	grew end/limit-per-address 2
	wait_log ktlsd 'peer=127\..* reason=limit-per-address'
	# another address is another client
	fetch --interface 127.77.77.77
	grew end/limit-per-address 2
	ctl status | grep -E '^Per address +2 connections, [0-9]+ refused$'
	stop stall
	wait_until 20 counter_is connections_open 0
	fetch
	fetch
}

@test "handshakes in a second: a second's worth begins at once, the next ones are refused" {
	serve "handshake-rate: 2"
	# so many that they cannot take their time
	spawn stall "$HELPERS/stall" "$IP" 4434 30 0
	wait_log stall '^READY '
	counters_read
	cat "$T/stall.log"
	echo "${COUNT[handshakes_in_flight]} in flight, ${COUNT[end/limit-handshake-rate]} refused"
	((COUNT[end/limit-handshake-rate] - ${BEFORE[end/limit-handshake-rate]-0} >= 10))
	[[ $((COUNT["handshakes_tls13"] - BEFORE["handshakes_tls13"])) -ge 2 ]]
	wait_log ktlsd 'reason=limit-handshake-rate'
	stop stall
	serve
	fetch
}

# Sets SERVER, and lets it have no more memory than now, or more again. Its hard limit stays.
server_memory() { # now|more
	local limit=$1
	SERVER=$(sed -n 's/.* server=\([0-9]*\) .*msg="ready".*/\1/p' "$T/ktlsd.log" | tail -n 1)
	if [[ $limit == now ]]; then
		limit=$(sed -n 's/^VmData:[[:blank:]]*\([0-9]*\) kB/\1/p' "/proc/$SERVER/status")
		limit=$((limit * 1024))
	else
		limit=$(ulimit -Hd)
	fi
	prlimit --pid "$SERVER" "--data=$limit:"
}

@test "no memory is left: what comes then is refused, and is served when there is some again" {
	local server
	! grep -q __asan_init "$KTLSD_BUILD/ktlsd" || skip "a sanitizer's runtime ends without memory"
	# one that has no memory to spare from what was before
	stop ktlsd
	config
	daemon_start
	observer_start
	server_memory more 2>/dev/null || skip "nobody may set the limits of others here"
	server_memory now
	server=$SERVER
	# handshakes under way take more than connections that stand
	spawn stall "$HELPERS/stall" -h -w 200 "$IP" 4434 200 0
	wait_log stall '^READY ' 100
	server_memory more
	cat "$T/stall.log"
	[[ $SERVER == "$server" ]]
	counters_read
	[[ ${COUNT["end/no-memory"]-0} -gt 0 && ${COUNT["end/handshake-failed"]-0} == 0 ]]
	wait_log ktlsd 'reason=no-memory .*errno=ENOMEM'
	stop stall
	wait_until 20 counter_is connections_open 0
	fetch
}

# A ktlsd with the default number of pipes serves under this limit of descriptors, and says what it lacks.
serves_with_descriptors() { # NUMBER
	local warnings pipes
	stop ktlsd
	config_begin "workers: 2"
	config_listener web 4433 "tcp:$IP:3000"
	daemon_start prlimit "--nofile=$1:$1"
	warnings=$(grep "limits: pipes" "$T/ktlsd.log")
	echo "$warnings"
	[[ $(wc -l <<<"$warnings") == 1 && $warnings == '<4>'*" wanted=1024 descriptors=$1 "*LimitNOFILE=*ulimit* ]]
	pipes=${warnings#*pipes=} pipes=${pipes%% *}
	((pipes > $1 / 5 && pipes < $1 / 4))
	fetch
	# there is room for more than one in five
	spawn stall "$HELPERS/stall" "$IP" 4433 "$(($1 / 5))" 0
	wait_log stall '^READY '
	cat "$T/stall.log"
	stop stall
	wait_until 20 counter_is connections_open 0
	fetch
	counters_read
	[[ ${COUNT["end/no-fds"]-0} == 0 ]]
	# not once more
	run -1 grep 'starting it again' "$T/ktlsd.log"
	[[ $(grep -c 'msg="ready"' "$T/ktlsd.log") == 1 ]]
}

@test "few descriptors: fewer pipes than the default, a warning, and connections are served" {
	serves_with_descriptors 1024
	serves_with_descriptors 2048
	stop ktlsd
	# as the others have it
	config
	daemon_start
}

# 2 workers and 4 listeners need 46
@test "too few descriptors: it does not start, and says what to raise; with just enough it serves" {
	local number
	stop ktlsd
	config
	for number in 24 45; do
		run -1 timeout 60 prlimit "--nofile=$number:$number" "$KTLSD_BUILD/ktlsd" \
			--config "$T/ktlsd.yaml"
		echo "$output"
		[[ $output == *"$number descriptors are too few for 2 workers and 4 listeners, which need 46: "*LimitNOFILE=* ]]
		[[ $output != *server* ]]
	done
	daemon_start prlimit --nofile=46:46
	grep 'limits: pipes' "$T/ktlsd.log"
	fetch
	stop ktlsd
	config
	daemon_start
}

@test "the total time of a connection: whatever it does, it ends, without close_notify in the middle" {
	local started
	serve
	started=${EPOCHREALTIME/./}
	# bytes go to and fro all the time, so that it is never idle
	open_client first 4436 handshake ready stream
	wait_log first '^eof$'
	echo "after $((${EPOCHREALTIME/./} - started)) us:"
	cat "$T/first.log"
	[[ $(<"$T/first.log") != *alert* ]]
	((${EPOCHREALTIME/./} - started >= 1900000))
	grew end/total-timeout 1
	wait_log ktlsd 'listener=short peer=[0-9.:]* reason=total-timeout '
}

# ---- draining ----

@test "drain: no new connections, idle ones end with close_notify, a busy one finishes" {
	serve
	open_client first 4434 handshake data=100 read=100 ready read
	wait_log first '^data 100 '
	# not idle: it waits for an answer that does not come
	open_client second 4435 handshake data=100 ready line record=21:0100 read
	[[ $(state_of echo) == false ]]
	spawn drain "$KTLSD_BUILD/ktlsctl" drain --timeout 60s --socket "$T/run/api.sock"
	wait_until 20 is_refused 4434
	is_refused 4435
	is_refused 4433
	[[ $(state_of echo) == true && $(state_of mute) == true ]]
	wait_log first '^eof$'
	grep -qx 'alert 1 0' "$T/first.log"
	grew end/drained 1
	is_running second
	is_running drain
	# the address is still ours
	ctl status --json | jq -e '.listeners | map(.draining) | all'
	stop second
	wait_log drain '^Drained: no connection is left\.$'
	ctl drain --undo
	[[ $(state_of echo) == false ]]
	fetch
	fetch
}

@test "drain: what the timeout cuts off is told, by a FIN without close_notify and the exit code 3" {
	serve
	open_client first 4435 handshake data=100 ready read
	run -3 ctl drain mute --timeout 500ms
	[[ $output == "Drained: no connection is left, but 1 connection had not finished in time." ]]
	wait_log first '^eof$'
	[[ $(<"$T/first.log") != *alert* ]]
	grew end/drained 1
	# the others go on
	fetch
	is_refused 4435
	run -0 ctl drain mute --timeout 500ms
	[[ $output == "Drained: no connection is left." ]]
	run -1 ctl drain nobody
	# a reload brings it back
	ctl reload
	[[ $(state_of mute) == false ]]
	open_client first 4435 handshake data=100 ready read
}

@test "drain: a transfer that is under way arrives whole" {
	local size=33554432
	serve
	# slow enough to be caught in the middle
	spawn first curl --silent --show-error --fail --max-time 60 --limit-rate 20M \
		--resolve "ecdsa.test:4433:$IP" --cacert "$T/ca.pem" --output "$T/body" \
		"https://ecdsa.test:4433/$size"
	wait_until 20 test -s "$T/body"
	run -0 ctl drain web --timeout 60s
	[[ $output == "Drained: no connection is left." ]]
	wait_until 20 has_ended first
	"$HELPERS/pattern" body down "$size" | sha256sum | cmp - <(sha256sum <"$T/body")
	ctl drain --undo web
	fetch
}

@test "drain: undone while it waits; the server's death brings the listener back too" {
	local server
	serve
	open_client first 4435 handshake data=100 ready read
	spawn drain "$KTLSD_BUILD/ktlsctl" drain mute --timeout 60s --socket "$T/run/api.sock"
	wait_until 20 is_refused 4435
	ctl drain mute --undo
	wait_log drain 'the drain was undone with 1 connection left'
	is_running first
	open_client second 4435 handshake data=100 ready read
	ctl drain mute --timeout 0 || [[ $? == 3 ]]
	is_refused 4435
	server=$(sed -n 's/.* server=\([0-9]*\) .*msg="ready".*/\1/p' "$T/ktlsd.log" | tail -n 1)
	kill -KILL "$server"
	wait_until 30 fetch
	stop second
	open_client second 4435 handshake data=100 ready read
}
