#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every way in which a client, the backend or the host can end a connection has its own reason:
# each is provoked here in user mode and, where the kernel can, in kernel mode, and counted once.

load lib

setup_file() {
	local mode port=5000 tls
	suite_begin
	# processes whose standard input must stay open
	mkfifo "$T/open"
	sleep 600 >"$T/open" 3>&- &
	echo $! >"$T/opener"
	backend_start "http=tcp:$IP:3000"
	for mode in full mute reset sink; do
		SPAWN_INPUT=$T/open spawn "$mode" "$HELPERS/badbackend" "$mode" "$IP" $((++port))
		wait_log "$mode" '^READY$'
	done
	config_begin "workers: 1" "limits: {pipes: 0}"
	port=6000
	for tls in user kernel; do
		local policy="ktls: {tx: off, rx: off}"
		[[ $tls == user ]] || policy="ktls: {tx: on, rx: on}"
		for mode in full mute reset sink refused; do
			config_listener "$mode-$tls" $((++port)) "tcp:$IP:$((5000 + port % 10))" "$policy" \
				"timeouts: {handshake: 2s, connect: 2s, idle: 3s, stall: 2s, drain: 2s}"
		done
		config_listener "http-$tls" $((++port)) "tcp:$IP:3000" "$policy" \
			"timeouts: {handshake: 2s, connect: 2s, idle: 30s, stall: 2s, drain: 2s}"
		port=$((port + 4))
	done
	daemon_start
}

teardown_file() {
	kill "$(<"$T/opener")" 2>/dev/null || true
	suite_end
}

# Listeners in the order of setup_file.
port_of() { # MODE-TLS
	local -A offset=([full]=1 [mute]=2 [reset]=3 [sink]=4 [refused]=5 [http]=6)
	local base=6000
	[[ $1 != *-kernel ]] || base=6010
	echo $((base + ${offset[${1%-*}]}))
}

# Fails unless that counter grows by one or more (BY) within some seconds.
mark() { # NAME
	counters_read
	BEFORE=${COUNT[$1]-0}
}

has_grown() { # NAME BY
	counters_read
	((${COUNT[$1]-0} - BEFORE >= $2))
}

expect_reason() { # NAME [BY]
	wait_until 20 has_grown "$1" "${2-1}" && return
	echo "$1 did not grow"
	tail -n 5 "$T/ktlsd.log"
	return 1
}

# Sends bytes (printf format) to the listener and keeps the connection open until it is closed.
raw() { # MODE-TLS FORMAT
	local fd
	exec {fd}<>"/dev/tcp/$IP/$(port_of "$1")"
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$2" >&"$fd" || true # it may be closed after the first bytes
	timeout 10 cat <&"$fd" >/dev/null || true
	exec {fd}>&-
}

client() { # MODE-TLS OPTION...
	openssl s_client -connect "$IP:$(port_of "$1")" -servername ecdsa.test -CAfile "$T/ca.pem" \
		"${@:2}"
}

# A TLS 1.2 ClientHello: ECDHE-ECDSA-AES128-GCM-SHA256, P-256, ecdsa_secp256r1_sha256.
HELLO='\x16\x03\x01\x00\x4a\x01\x00\x00\x46\x03\x03'
HELLO+='0123456789abcdef0123456789abcdef'
HELLO+='\x00\x00\x02\xc0\x2b\x01\x00\x00\x1b'
HELLO+='\x00\x0a\x00\x04\x00\x02\x00\x17\x00\x0b\x00\x02\x01\x00'
HELLO+='\x00\x0d\x00\x04\x00\x02\x04\x03\xff\x01\x00\x01\x00'

@test "plain HTTP on the TLS port is not-tls" {
	mark end/not-tls
	raw http-user 'GET / HTTP/1.1\r\n\r\n'
	expect_reason end/not-tls
}

@test "a client that says nothing is a hello-timeout" {
	mark end/hello-timeout
	raw http-user ''
	expect_reason end/hello-timeout
}

@test "a client that stops in the middle is a handshake-timeout" {
	mark end/handshake-timeout
	raw http-user "$HELLO"
	expect_reason end/handshake-timeout
}

@test "a client that leaves in the middle is handshake-closed" {
	mark end/handshake-closed
	exec {fd}<>"/dev/tcp/$IP/$(port_of http-user)"
	printf '\x16\x03\x01' >&"$fd"
	exec {fd}>&-
	expect_reason end/handshake-closed
}

@test "no common cipher is handshake-failed, with an alert" {
	mark end/handshake-failed
	run client http-user -tls1_2 -cipher AES128-SHA </dev/null
	[[ $output == *"alert handshake failure"* ]]
	expect_reason end/handshake-failed
}

@test "a backend that is not there is backend-refused" {
	mark end/backend-refused
	client refused-user </dev/null >/dev/null 2>&1 || true
	client refused-kernel </dev/null >/dev/null 2>&1 || true
	expect_reason end/backend-refused 2
}

@test "a backend whose queue is full is backend-timeout" {
	mark end/backend-timeout
	timeout 20 openssl s_client -connect "$IP:$(port_of full-user)" <"$T/open" >/dev/null 2>&1 || true
	expect_reason end/backend-timeout
}

@test "a backend that resets is backend-reset" {
	local tls
	mark end/backend-reset
	for tls in user kernel; do
		timeout 20 openssl s_client -quiet -connect "$IP:$(port_of reset-$tls)" \
			< <(echo x && timeout 5 cat "$T/open") >/dev/null 2>&1 || true
	done
	expect_reason end/backend-reset 2
}

@test "a backend that does not read is backend-stalled" {
	local tls
	mark end/backend-stalled
	for tls in user kernel; do
		"$HELPERS/pattern" body up 8000000 | timeout 20 openssl s_client -quiet \
			-connect "$IP:$(port_of mute-$tls)" >/dev/null 2>&1 || true
	done
	expect_reason end/backend-stalled 2
}

@test "silence for the idle time is idle-timeout" {
	mark end/idle-timeout
	timeout 20 openssl s_client -quiet -connect "$IP:$(port_of sink-user)" <"$T/open" >/dev/null 2>&1 ||
		true
	expect_reason end/idle-timeout
}

@test "a client that takes nothing is stalled" {
	local tls pid
	mark end/stalled
	for tls in user kernel; do
		(printf 'GET /64000000 HTTP/1.1\r\nHost: x\r\n\r\n' && timeout 15 cat "$T/open") |
			timeout 15 openssl s_client -quiet -connect "$IP:$(port_of http-$tls)" 2>/dev/null |
			sleep 15 3>&- &
	done
	expect_reason end/stalled 2
	wait
}

@test "a FIN without close_notify is truncated" {
	local tls
	mark end/truncated
	for tls in user kernel; do
		openssl s_client -quiet -connect "$IP:$(port_of sink-$tls)" <"$T/open" >/dev/null 2>&1 3>&- &
		wait_until 20 has_open_on "sink-$tls"
		kill -KILL $!
		wait $! || true
	done
	expect_reason end/truncated 2
}

has_open_on() { # MODE-TLS
	ctl list --json --no-headings 2>/dev/null | grep -q "\"listener\":\"$1\".*\"state\":\"open\""
}

@test "a key update that the kernel cannot follow is rekey-unanswerable, else it is followed" {
	local tls output
	mark end/rekey-unanswerable
	for tls in user kernel; do
		# s_client takes a line that begins with K for a command, with all that it has read by then
		output=$( (printf 'K\n' && sleep 2 && printf 'GET /5 HTTP/1.0\r\n\r\n' && sleep 3) |
			client "http-$tls" -tls1_3 2>&1) || true
		if [[ $tls == kernel && $KTLSD_EXPECT == ktls ]]; then
			expect_reason end/rekey-unanswerable
		else
			[[ $output == *"HTTP/1."* ]]
		fi
	done
	[[ $KTLSD_EXPECT == ktls ]] || [[ ${COUNT[end/rekey-unanswerable]-0} == 0 ]]
}

@test "renegotiation is refused" {
	mark end/renegotiation
	(printf 'R\n' && sleep 3) | client http-user -tls1_2 -legacy_renegotiation >/dev/null 2>&1 || true
	expect_reason end/renegotiation
}

@test "without a free pipe bytes are copied, and it is said" {
	expect_ktls || skip "user space needs no pipe"
	counters_read
	((COUNT[pipe_pool_empty] > 0))
	log_has ktlsd 'reason=no-pipe'
}

@test "without kTLS every connection says ktls-no-ulp, or policy-off where that is the policy" {
	local tx=tx/ktls-no-ulp rx=rx/ktls-no-ulp
	expect_ktls && skip "this kernel has TLS"
	counters_read
	((COUNT[$tx] > 0 && COUNT[$rx] > 0 && COUNT[tx/policy-off] > 0 && COUNT[rx/policy-off] > 0))
}
