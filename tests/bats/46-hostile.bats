#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever the Internet sends: before and in the handshake, and in the middle of a transfer that goes
# on in both directions. The client is told by the right alert and is gone within a second of the bad
# bytes; a neighbour's transfer through the same worker arrives whole, by SHA-256; and the worker is
# idle afterwards. In both versions, in user space and in the kernel.

load lib
load evil

# shellcheck disable=SC2034 # for evil.bash
PORTS=(user=4601 kernel=4602 hasty=4603)

# A handshake is cut at each of its bytes where that is quick, at some where it is emulated.
if expect_ktls && [[ ${MATRIX-} != full ]]; then
	STEP=61 BULK=196608
else
	STEP=1 BULK=1048576
fi

setup_file() {
	suite_begin
	backend_start "echo=tcp:$IP:3000"
	config
	daemon_start
}

teardown_file() {
	suite_end
}

setup() {
	tell_try
	LAYER=$(layers)
	LAYER=${LAYER##* }
	neighbour_start
}

teardown() {
	stop neighbour
	# what a failed test leaves is not for the next one
	[[ ${BATS_TEST_COMPLETED-} ]] || { stop ktlsd && daemon_start; }
}

config() {
	local echo=tcp:$IP:3000
	config_begin "workers: 1"
	port user
	config_listener user "$PORT" "$echo" "ktls: {tx: off, rx: off}"
	port kernel
	config_listener kernel "$PORT" "$echo" "ktls: {tx: on, rx: on}"
	port hasty
	config_listener hasty "$PORT" "$echo" "timeouts: {handshake: 2s}"
}

# ---- the neighbour ----

neighbour_start() {
	port "$LAYER"
	rm -f "$T/neighbour.in"
	mkfifo "$T/neighbour.in"
	SPAWN_INPUT=$T/neighbour.in spawn neighbour "$HELPERS/evil" -t 600 "$IP" "$PORT" \
		handshake stream
	# shellcheck disable=SC2034 # open as long as the test
	exec {LINE_OUT}>"$T/neighbour.in"
	wait_log neighbour '^STREAMS$'
}

# Its transfer went on all the time, and what came back is what it sent.
neighbour_is_unharmed() {
	local sent came
	echo >&"$LINE_OUT"
	wait_log neighbour '^data '
	sent=$(sed -n 's/^sent //p' "$T/neighbour.log")
	came=$(sed -n 's/^data //p' "$T/neighbour.log")
	echo "the neighbour sent $sent and got $came"
	((${sent% *} > 0))
	[[ $sent == "$came" ]]
	stop neighbour
}

# ---- the worker ----

# Sets TICKS to what the server process has used, in hundredths of a second.
ticks_read() {
	local server line
	server=$(sed -n 's/.* server=\([0-9]*\) .*msg="ready".*/\1/p' "$T/ktlsd.log" | tail -n 1)
	read -r line <"/proc/$server/stat"
	line=${line##*) }
	# shellcheck disable=SC2086 # a list of words
	set -- $line
	TICKS=$((${12} + ${13}))
}

# The server uses less than 5 % of a CPU, in one second of three.
worker_is_idle() {
	local before
	for _ in 1 2 3; do
		ticks_read
		before=$TICKS
		sleep 1
		ticks_read
		echo "$((TICKS - before)) % of a CPU"
		((TICKS - before >= 5)) || return 0
	done
	return 1
}

nothing_is_left() {
	wait_until 20 counter_is connections_open 0
	[[ ${COUNT[handshakes_in_flight]} == 0 && ${COUNT[pipes_in_use]} == 0 ]]
	worker_is_idle
}

# The end of each test.
all_is_well() {
	neighbour_is_unharmed
	nothing_is_left
}

# ---- in the middle of a transfer ----

# The client has seen that, and was gone in time; what had come is the beginning of what it sent.
attack_is_answered() { # ALERT
	local seen
	seen=$'\n'$(<"$T/seen")$'\n'
	[[ $seen == *$'\nprefix '* && $seen == *$'\nwithin 1000\n'* ]] &&
		[[ $seen == *$'\neof\n'* || $seen == *$'\nreset\n'* ]] &&
		[[ ! $1 || $seen == *$'\nalert '"$1"$'\n'* ]]
}

# A client sends that in the middle of its transfer, is told by that alert, if any, and is gone.
attack() { # LAYER VERSION REASON ALERT STEP...
	client "$1" -v "$2" handshake "bulk=$BULK" mark "${@:5}" read within=1000 prefix
	expect_end "reason=$3" "rx=$1" ${4:+"alert_sent=${4#* }"} || return
	attack_is_answered "$4" && return
	echo "the client saw:"
	cat "$T/seen"
	return 1
}

# In each version where the kernel decrypts, and once where user space does, which does the same on
# every host; both there where it is all that there is.
each_once() { # FUNCTION
	if expect_ktls && [[ ${MATRIX-} != full ]]; then
		"$1" kernel 1.2 && "$1" kernel 1.3 && "$1" user 1.3
	else
		each "$1"
	fi
}

bad_mac() {
	attack "$1" "$2" bad-record-mac "2 20" patch=-4:00000000
}

wrong_version() {
	attack "$1" "$2" bad-record-header "2 10" patch=1:0505
}

plain_http() {
	attack "$1" "$2" bad-record-header "2 10" 'text=GET / HTTP/1.1\r\nHost: test\r\n\r\n'
}

over_the_limit() {
	attack "$1" "$2" record-overflow "2 22" "hex=1703034801$(printf %048d 0)"
}

unknown_type() {
	attack "$1" "$2" unexpected-message "2 10" record=99:01
}

change_cipher_spec() {
	attack "$1" "$2" unexpected-message "2 10" record=20:01
}

finished_again() {
	attack "$1" "$2" unexpected-message "2 10" record=22:1400000c000102030405060708090a0b
}

empty_records() {
	attack "$1" "$2" record-flood "2 10" flood=23:
}

warnings() {
	attack "$1" "$2" record-flood "2 10" flood=21:015a
}

fatal_alert() {
	attack "$1" "$2" peer-alert "" record=21:0228
}

@test "in the middle: records that are damaged, too long, or no records" {
	each_once bad_mac
	each_once wrong_version
	each_once plain_http
	each_once over_the_limit
	all_is_well
}

@test "in the middle: records that have no place, CCS and unknown types" {
	each_once unknown_type
	each_once change_cipher_spec
	each_once finished_again
	each_once fatal_alert
	all_is_well
}

@test "in the middle: empty records and warnings without end" {
	each_once empty_records
	each_once warnings
	all_is_well
}

# A kernel that cannot follow ends at the first.
storm_reason() { # LAYER
	if [[ $1 == kernel ]] && ! expect_rekey; then
		STORM=rekey-unanswerable ALERT="1 0"
	else
		STORM=key-update-flood ALERT="2 10"
	fi
}

@test "in the middle: renegotiation of TLS 1.2, and a storm of key updates" {
	local layer
	local -a storm
	mapfile -t storm < <(yes update=0 | head -n 40)
	for layer in $(layers); do
		attack "$layer" 1.2 renegotiation "1 100" record=22:010000020303
		storm_reason "$layer"
		attack "$layer" 1.3 "$STORM" "$ALERT" "${storm[@]}"
	done
	all_is_well
}

@test "in the middle: padding to the limit is data, beyond it is none" {
	local layer
	for layer in $(layers); do
		# 16,384 bytes and the type are what a record may hold
		client "$layer" handshake "bulk=$BULK" pad=16284 record=21:0100 read
		grep -qx "data $((BULK + 100)) .*" "$T/seen"
		expect_end reason=closed "rx=$layer"
		attack "$layer" 1.3 record-overflow "2 22" "hex=1703034012$(printf %048d 0)"
		# nothing but padding: a record without a type, which the kernel does not tell from others
		case $layer in
		user) attack user 1.3 unexpected-message "2 10" record=0:0000 ;;
		kernel) attack kernel 1.3 bad-record-mac "2 20" record=0:0000 ;;
		esac
	done
	all_is_well
}

# When much is coming the kernel may have the part in a buffer of its own, of which it does not tell:
# then the end is only the end.
cut_off() { # LAYER VERSION BYTES
	client "$1" -v "$2" handshake "bulk=$BULK" mark "cut=$3" fin read within=1000 prefix
	attack_is_answered "" && expect_end "rx=$1" || return
	[[ $LINE == *" reason=truncated-record "* ]] ||
		[[ $1 == kernel && $LINE == *" reason=truncated "* ]]
}

half_record() {
	cut_off "$1" "$2" 40
}

half_header() {
	cut_off "$1" "$2" 3
}

no_goodbye() {
	client "$1" -v "$2" handshake "bulk=$BULK" mark fin read within=1000 prefix
	grep -qx "prefix $BULK" "$T/seen" && attack_is_answered "1 0" &&
		expect_end reason=truncated "rx=$1"
}

reset_after() { # STEP...
	client "$LAYER" handshake "$@" reset
	expect_end reason=peer-reset
}

@test "in the middle: FIN in a record, between records, RST at any point" {
	local at
	each_once half_record
	each_once half_header
	each_once no_goodbye
	for at in data=1 "bulk=$BULK" "cut=1" "cut=4" "cut=5" "cut=60"; do
		reset_after "$at"
	done
	reset_after "bulk=$BULK" cut=40
	all_is_well
}

# ---- before the handshake ----

# A ClientHello of that version as it was: without extensions.
old_hello() { # VERSION_HEX
	local body
	body=$1$(printf '%064d' 0)000004002f00350100
	printf '16%s%04x01%06x%s' "$1" $((${#body} / 2 + 4)) $((${#body} / 2)) "$body"
}

@test "hellos of SSL 2, SSL 3, TLS 1.0 and 1.1; HTTP and garbage" {
	local garbage
	client user "hex=802e0100020015000000100100800700c0030080060040020080$(printf %032d 0)" \
		mark read within=1000
	grep -qx 'within 1000' "$T/seen"
	expect_end reason=not-tls
	client user "hex=$(old_hello 0300)" mark read within=1000
	grep -qx 'alert 2 70' "$T/seen"
	grep -qx 'within 1000' "$T/seen"
	expect_end reason=handshake-failed alert_sent=70
	client user "hex=$(old_hello 0301)" mark read within=1000
	grep -qx 'alert 2 70' "$T/seen"
	grep -qx 'within 1000' "$T/seen"
	expect_end reason=handshake-failed alert_sent=70
	client user -v 1.1 handshake
	grep -qx 'alert 2 70' "$T/seen"
	expect_end reason=handshake-failed alert_sent=70
	client user 'text=GET / HTTP/1.1\r\nHost: test\r\n\r\n' mark read within=1000
	grep -qx 'within 1000' "$T/seen"
	expect_end reason=not-tls
	garbage=$(head -c 500 /dev/urandom | xxd -p | tr -d '\n')
	# a first byte of 16 would be a hello's
	for garbage in 00 16ff 160300ffff02 "ff$garbage"; do
		client user "hex=$garbage" mark read within=1000
		expect_end reason=not-tls
		grep -qx 'within 1000' "$T/seen"
	done
	all_is_well
}

@test "a hello at one byte a second, and a client that stops in its handshake: the deadline holds" {
	client hasty mark trickle=1000 read within=3500
	grep -qx 'within 3500' "$T/seen"
	expect_end reason=hello-timeout
	client hasty trickle=20 read
	expect_end reason=hello-timeout
	client hasty mark hello hex=14 read within=3500
	grep -qx 'within 3500' "$T/seen"
	expect_end reason=handshake-timeout
	all_is_well
}

@test "a name that no certificate has gets the default one" {
	local name
	port user
	for name in rsa.test.evil "$(printf 'a%.0s' {1..63}).$(printf 'b%.0s' {1..63}).test"; do
		openssl s_client -connect "$IP:$PORT" -servername "$name" </dev/null >"$T/seen" 2>&1
		grep -q 'subject=CN = ecdsa.test' "$T/seen"
	done
	openssl s_client -connect "$IP:$PORT" -noservername </dev/null >"$T/seen" 2>&1
	grep -q 'subject=CN = ecdsa.test' "$T/seen"
	all_is_well
}

ends_are() { # NUMBER REASON...
	local reason sum=0
	counters_read
	for reason in "${@:2}"; do
		sum=$((sum + ${COUNT["end/$reason"]-0}))
	done
	((sum == $1))
}

cut_everywhere() { # VERSION fin|reset REASON...
	local n whole before=0 reason
	port user
	counters_read
	for reason in "${@:3}"; do
		before=$((before + ${COUNT["end/$reason"]-0}))
	done
	read -r n whole < <("$HELPERS/cut" -v "$1" "$2" "$IP" "$PORT" "$STEP")
	echo "TLS $1, $2: $n handshakes cut, of $whole bytes"
	((n > 3))
	wait_until 20 ends_are $((before + n)) "${@:3}" || {
		ctl status | sed -n '/HOW CONN/,$p'
		return 1
	}
}

@test "a handshake that is cut at every byte, by FIN and by RST" {
	local version
	for version in 1.2 1.3; do
		cut_everywhere "$version" fin handshake-closed
		cut_everywhere "$version" reset handshake-closed peer-reset
	done
	all_is_well
}
