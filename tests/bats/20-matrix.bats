#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bodies cross ktlsd unharmed: every pair of (TLS version, cipher, directions in the kernel, kind of
# backend, client), all sizes around the limit of a record in both directions, compared by hash;
# and the kernel's own counters say who did it. MATRIX=full runs every cell.

load lib
load matrix

setup_file() {
	local size kernel backend
	suite_begin
	for size in "${MATRIX_SIZES[@]}" "$MATRIX_LARGE"; do
		"$HELPERS/pattern" body up "$size" >"$T/up-$size"
	done
	matrix_expected curl "${MATRIX_SIZES[@]}" >"$T/expected-curl"
	matrix_expected openssl "${MATRIX_SIZES[@]}" >"$T/expected-openssl"
	cp "$T/expected-openssl" "$T/expected-gnutls"
	backend_start "http=tcp:$IP:3000" "http=unix:$T/backend.sock"
	config_begin
	for kernel in ${MATRIX_FACTORS[kernel]}; do
		for backend in "tcp:$IP:3000" "unix:$T/backend.sock"; do
			config_listener "$(matrix_listener "$kernel" "${backend%%:*}")" \
				"$(matrix_port "$kernel" "${backend%%:*}")" "$backend" \
				"ktls: $(matrix_policy "$kernel")"
		done
	done
	daemon_start
}

teardown_file() {
	suite_end
}

setup() {
	MATRIX_SECONDS=120
}

# The counters as they were, and what they have grown by since.
counters_mark() {
	local name
	counters_read
	declare -gA MARK=()
	for name in "${!COUNT[@]}"; do
		MARK[$name]=${COUNT[$name]}
	done
}

grown() { # NAME
	echo "$((${COUNT[$1]-0} - ${MARK[$1]-0}))"
}

expect_grown() { # NAME BY
	local by
	by=$(grown "$1")
	[[ $by == "$2" ]] || {
		echo "$1 grew by $by, not by $2"
		return 1
	}
}

connections_have_ended() {
	counter_is connections_open 0 && [[ $(grown connections_accepted) == "$1" ]]
}

# Bytes of the direction went through the kernel's pipes if that is where they belong.
expect_moved() { # KERNEL
	local direction spliced=0 copied=0 bytes
	for direction in tx rx; do
		bytes=$(grown "${direction}_bytes")
		if matrix_in_kernel "$direction" "$1"; then
			((spliced += bytes))
		else
			((copied += bytes))
		fi
	done
	expect_grown spliced_bytes "$spliced" && expect_grown copied_bytes "$copied"
}

# What the daemon counted of the one connection since counters_mark.
expect_counted() { # VERSION KERNEL
	local direction reason expected
	expect_grown "handshakes_tls${1/./}" 1 || return 1
	for direction in tx rx; do
		reason=$(matrix_reason "$direction" "$2")
		expected=1
		[[ -z $reason ]] || expected=0
		expect_grown "${direction}_kernel" "$expected" || return 1
		[[ -z $reason ]] || expect_grown "$direction/$reason" 1 || return 1
	done
	expect_moved "$2"
}

# gnutls-cli ends without a close_notify of its own.
expect_end() { # CLIENT
	if [[ $1 == gnutls ]]; then
		[[ $(($(grown end/truncated) + $(grown end/closed))) == 1 ]]
	else
		expect_grown end/closed 1
	fi
}

cell_run() { # VERSION CIPHER KERNEL BACKEND CLIENT
	local hash expected
	counters_mark
	hash=$(matrix_exchange "$5" "$1" "$2" "$(matrix_port "$3" "$4")" \
		"$(matrix_certificate "$1" "$2")" "${MATRIX_SIZES[@]}") || {
		echo "the client failed"
		return 1
	}
	read -r expected <"$T/expected-$5"
	[[ $hash == "$expected" ]] || {
		echo "what came back is not what should have"
		return 1
	}
	wait_until 20 connections_have_ended 1 || {
		echo "the connection does not end"
		return 1
	}
	expect_counted "$1" "$3" && expect_end "$5"
}

# Runs the cells of a client one by one, and compares what the kernel counted with them.
cells_run() { # CLIENT
	local v c k b p n=0 tx=0 rx=0 failed=0 tx_before rx_before
	tls_stat_read
	tx_before=${TLS_STAT[TlsTxSw]-0} rx_before=${TLS_STAT[TlsRxSw]-0}
	while read -r v c k b p <&9; do
		[[ $p == "$1" ]] || continue
		((++n))
		! matrix_in_kernel tx "$k" || ((++tx))
		! matrix_in_kernel rx "$k" || ((++rx))
		cell_run "$v" "$c" "$k" "$b" "$p" && continue
		echo "FAILED: TLS $v, $c, kernel: $k, backend: $b, client: $p"
		((++failed))
	done 9< <(matrix_cells)
	echo "$n cells, $failed failed"
	((n > 0 && failed == 0))
	wait_until 20 tls_stat_is_idle
	[[ $((${TLS_STAT[TlsTxSw]-0} - tx_before)) == "$tx" ]]
	[[ $((${TLS_STAT[TlsRxSw]-0} - rx_before)) == "$rx" ]]
}

# Every pair of values of two factors, found by going through the factors, not the cells.
@test "the cells hold every pair" {
	local -a factors=(version cipher kernel backend client) cells
	local i j a b pairs=0
	mapfile -t cells < <(matrix_cells)
	for i in 0 1 2 3 4; do
		for ((j = i + 1; j < 5; j++)); do
			for a in ${MATRIX_FACTORS[${factors[i]}]}; do
				for b in ${MATRIX_FACTORS[${factors[j]}]}; do
					((++pairs))
					printf '%s\n' "${cells[@]}" |
						awk -v i=$((i + 1)) -v j=$((j + 1)) -v a="$a" -v b="$b" \
							'$i == a && $j == b { n++ } END { exit !n }' || {
						echo "no cell has $a and $b"
						return 1
					}
				done
			done
		done
	done
	((pairs == 2 * 4 + 2 * 4 + 2 * 2 + 2 * 3 + 4 * 4 + 4 * 2 + 4 * 3 + 4 * 2 + 4 * 3 + 2 * 3))
}

@test "cells of openssl s_client" {
	cells_run openssl
}

@test "cells of curl" {
	cells_run curl
}

@test "cells of gnutls-cli" {
	cells_run gnutls
}

large_run() { # VERSION CIPHER BACKEND
	MATRIX_SECONDS=300 # shellcheck disable=SC2034
	counters_mark
	[[ $(matrix_exchange curl "$1" "$2" "$(matrix_port both "$3")" \
		"$(matrix_certificate "$1" "$2")" "$MATRIX_LARGE") == $(matrix_expected curl "$MATRIX_LARGE") ]]
	wait_until 20 connections_have_ended 1
	expect_counted "$1" both
	expect_end curl
}

@test "64 MiB up and down in TLS 1.2" {
	large_run 1.2 gcm128 unix
}

@test "64 MiB up and down in TLS 1.3" {
	large_run 1.3 gcm256 tcp
}

# A connection for every listener, of changing versions and ciphers; they stay.
hold_connections() {
	local v=1.2 k b i=0
	local -a ciphers=(gcm128 chacha gcm256 ccm)
	for k in ${MATRIX_FACTORS[kernel]}; do
		for b in tcp unix; do
			local c=${ciphers[i++ % 4]}
			local suite=-ciphersuites version=-tls1_3
			[[ $v == 1.3 ]] || suite=-cipher version=-tls1_2
			spawn "hold-$k-$b" "$HELPERS/feed" -t 300 openssl s_client -quiet -nocommands \
				"$version" "$suite" "${MATRIX_SUITE_OPENSSL[$v-$c]}" \
				-connect "$IP:$(matrix_port "$k" "$b")" \
				-servername "$(matrix_certificate "$v" "$c")"
			echo "$b-$k $v $c $k" >>"$T/held"
			[[ $v == 1.3 ]] && v=1.2 || v=1.3
		done
	done
}

connections_are_open() { # NUMBER
	[[ $(ctl list --own --json | jq '[.connections[] | select(.state == "open")] | length') == "$1" ]]
}

@test "ktlsctl list names every connection's version, cipher and modes, and why" {
	local list listener v c k
	local -A names=([gcm128]=aes-gcm-128 [gcm256]=aes-gcm-256 [chacha]=chacha20-poly1305
		[ccm]=aes-ccm-128)
	hold_connections
	wait_until 60 connections_are_open 8
	list=$(ctl list --own --json)
	while read -r listener v c k; do
		local -A mode=([tx]=user [rx]=user) reason=([tx]=null [rx]=null)
		local d
		for d in tx rx; do
			! matrix_in_kernel $d "$k" || mode[$d]=kernel
			[[ -z $(matrix_reason $d "$k") ]] || reason[$d]=$(matrix_reason $d "$k")
		done
		jq -r --arg l "$listener" '.connections[] | select(.listener == $l) |
			"\(.version) \(.cipher) \(.tx) \(.rx) \(.tx_reason) \(.rx_reason)"' <<<"$list" >"$T/line"
		diff "$T/line" - <<<"$v ${names[$c]} ${mode[tx]} ${mode[rx]} ${reason[tx]} ${reason[rx]}"
		if matrix_in_kernel tx "$k"; then
			[[ $(jq --arg l "$listener" '.connections[] | select(.listener == $l).tx_errno' \
				<<<"$list") == null ]]
		fi
	done <"$T/held"
	[[ $(jq -r '.connections[].cookie' <<<"$list" | sort -u | wc -l) == 8 ]]
}
