#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the secrets of connections are: while one is open only in memory that is locked, left out of
# core dumps and of children; after it nowhere. The client tells what they are, and the whole memory
# of the server is searched for them. Needs root.

load lib

# VERSION CIPHER CERTIFICATE
SUITES=(
	"1.3 TLS_AES_128_GCM_SHA256 ecdsa.test"
	"1.3 TLS_AES_256_GCM_SHA384 rsa.test"
	"1.3 TLS_CHACHA20_POLY1305_SHA256 ecdsa.test"
	"1.3 TLS_AES_128_CCM_SHA256 rsa.test"
	"1.2 ECDHE-ECDSA-AES128-GCM-SHA256 ecdsa.test"
	"1.2 ECDHE-RSA-AES256-GCM-SHA384 rsa.test"
	"1.2 ECDHE-ECDSA-CHACHA20-POLY1305 ecdsa.test"
	"1.2 ECDHE-ECDSA-AES128-CCM ecdsa.test"
)
USER_PORT=4433 KERNEL_PORT=4434

setup_file() {
	[[ $EUID == 0 ]] || return 0
	suite_begin
	backend_start "http=tcp:$IP:3000"
	config_begin "workers: 2"
	config_listener user $USER_PORT "tcp:$IP:3000" "ktls: {tx: off, rx: off}"
	config_listener kernel $KERNEL_PORT "tcp:$IP:3000" "ktls: {tx: on, rx: on}"
	daemon_start
	: >"$T/all"
}

teardown_file() {
	suite_end
}

setup() {
	tell_try
	[[ $EUID == 0 ]] || skip "needs root"
	SERVER=$(sed -n 's/.* server=\([0-9]*\) .*msg="ready".*/\1/p' "$T/ktlsd.log")
	# a sanitizer's runtime lets nobody lock memory
	PLACE=locked
	! grep -q 'lib[at]san' "/proc/$SERVER/maps" || PLACE=kept
	: >"$T/needles"
	CLIENTS=()
}

teardown() {
	local client
	for client in "${CLIENTS[@]-}"; do
		[[ -z $client ]] || stop "$client"
	done
}

# A client that has come to WORD; what it told goes into $T/needles, its names with the suite's.
confide() { # WORD ARGUMENT...
	local word=$1 name=client${#CLIENTS[@]}
	shift
	spawn "$name" "$HELPERS/confide" "$@"
	wait_log "$name" "^$word "
	CLIENTS+=("$name")
	grep -v "^$word " "$T/$name.log" | sed "s/^/${#CLIENTS[@]}:/" | tee -a "$T/all" >>"$T/needles"
}

confide_each() { # PORT SUITE...
	local port=$1 version cipher certificate
	shift
	while read -r version cipher certificate; do
		confide READY "$IP" "$port" "$certificate" "$version" "$cipher"
		# what is left on a stack is soon written over, so look after each
		search
		found_only_kept
	done < <(printf '%s\n' "$@")
}

# An IV is also the nonce of the first record (RFC 8446 5.3), which goes over stacks as it pleases.
search() {
	grep -v -- '-iv ' "$T/needles" | "$HELPERS/memsearch" "$SERVER" >"$T/found"
	grep -q '^searched [1-9]' "$T/found"
}

is_kept() { # NEEDLE
	grep -q "^$1 [^ ]* $PLACE " "$T/found"
}

found_only_kept() {
	run ! grep -vE "^searched |^[^ ]+ [^ ]+ $PLACE " "$T/found"
}

found_nothing() {
	run ! grep -v '^searched ' "$T/found"
}

# Ends the clients, by TERM or KILL; nothing is left of what they know.
everything_is_gone() { # SIGNAL
	local client
	for client in "${CLIENTS[@]}"; do
		stop "$client" "$1"
	done
	wait_until 20 counter_is connections_open 0
	search
	found_nothing
}

@test "the search finds what is there, and only that" {
	printf 'there %s\nmissing %s\n' "$(printf /proc/self/exe | od -An -v -tx1 | tr -d ' \n')" \
		c35a01d97e4bf2688814d63be70f95ac >"$T/needles"
	search
	cat "$T/found"
	grep -q '^there .* loose ' "$T/found"
	run ! grep '^missing ' "$T/found"
}

@test "in user space: keys are in locked memory while they are used, and nowhere then" {
	local i side
	confide_each $USER_PORT "${SUITES[@]}"
	for i in "${!CLIENTS[@]}"; do
		for side in client server; do
			is_kept "$((i + 1)):$side-key"
		done
		if [[ ${SUITES[i]} == 1.3* ]]; then
			is_kept "$((i + 1)):CLIENT_TRAFFIC_SECRET_0"
			is_kept "$((i + 1)):SERVER_TRAFFIC_SECRET_0"
		fi
	done
	everything_is_gone TERM
}

@test "in the kernel: the server holds no key, and nothing when the connection has ended" {
	local i
	expect_ktls || skip "this kernel has no TLS"
	confide_each $KERNEL_PORT "${SUITES[@]}"
	cat "$T/found"
	run ! grep -E '^[0-9]+:(client|server)-' "$T/found"
	for i in 1 2 3 4; do # for the next key update
		is_kept "$i:CLIENT_TRAFFIC_SECRET_0"
		is_kept "$i:SERVER_TRAFFIC_SECRET_0"
	done
	everything_is_gone TERM
}

@test "after resumption nothing is left, nor of the tickets" {
	local version cipher certificate
	while read -r version cipher certificate; do
		confide READY "$IP" $USER_PORT "$certificate" "$version" "$cipher" "$T/session$version"
		confide READY "$IP" $USER_PORT "$certificate" "$version" "$cipher" "$T/session$version"
		log_has "${CLIENTS[-1]}" '^READY resumed=1'
		search
		found_only_kept
	done < <(printf '%s\n' "${SUITES[0]}" "${SUITES[5]}")
	grep -q ':ticket-secret ' "$T/needles"
	everything_is_gone TERM
}

@test "after a reset nothing is left" {
	confide_each $USER_PORT "${SUITES[0]}" "${SUITES[4]}"
	everything_is_gone KILL
}

@test "after a handshake that fails nothing is left" {
	local version cipher certificate
	while read -r version cipher certificate; do
		confide REFUSED -r "$IP" $USER_PORT "$certificate" "$version" "$cipher"
		wait_until 20 counter_is connections_open 0
		search
		found_nothing
	done < <(printf '%s\n' "${SUITES[@]:0:4}")
}

@test "no log and no BPF map has a secret in it" {
	local id
	sed 's/.* //' "$T/all" | sort -u >"$T/secrets"
	(($(wc -l <"$T/secrets") > 50))
	run ! grep -iFf "$T/secrets" "$T/ktlsd.log" "$T/backend.log"
	# on a host without BPF there is no map; in a guest the list must be had
	bpftool -j map list >"$T/map-list" || {
		if expect_ktls; then return 1; fi
		echo '[]' >"$T/map-list"
	}
	for id in $(jq -r '.[].id' "$T/map-list"); do
		bpftool -j map dump id "$id" | grep -o '"0x[0-9a-f]*"' | tr -d '"\n' | sed 's/0x//g'
		echo
	done >"$T/maps"
	run ! grep -iFf "$T/secrets" "$T/maps"
}
