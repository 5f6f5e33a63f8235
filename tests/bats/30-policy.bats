#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policy: every row of the table in ktlsd.yaml(5), and its change while connections come and go.

load lib
load matrix

VALUES=(off auto on require)
LOAD_BODY=65537
LOAD_REQUESTS=40

setup_file() {
	local direction other value port=4000
	suite_begin
	backend_start "http=tcp:$IP:3000"
	config_begin "workers: 1"
	for direction in tx rx; do
		other=rx
		[[ $direction == tx ]] || other=tx
		for value in "${VALUES[@]}"; do
			config_listener "$direction-$value" $((++port)) "tcp:$IP:3000" \
				"ktls: {$direction: $value, $other: off}"
		done
	done
	config_listener flip 4100 "tcp:$IP:3000" "ktls: {tx: off, rx: off}"
	config_listener other 4101 "tcp:$IP:3000" "ktls: {tx: off, rx: off}"
	daemon_start
}

teardown_file() {
	suite_end
}

# What becomes of a direction whose policy is VALUE: its mode and its reason. "refused" is the
# end of the connection.
table() {
	cat <<-'END'
	# dir  policy  TLS  none                    ktls                    ktls+rekey
	tx     off     1.2  user/policy-off         user/policy-off         user/policy-off
	tx     off     1.3  user/policy-off         user/policy-off         user/policy-off
	tx     auto    1.2  user/ktls-no-ulp        kernel/                 kernel/
	tx     auto    1.3  user/ktls-no-ulp        kernel/                 kernel/
	tx     on      1.2  user/ktls-no-ulp        kernel/                 kernel/
	tx     on      1.3  user/ktls-no-ulp        kernel/                 kernel/
	tx     require 1.2  refused/ktls-no-ulp     kernel/                 kernel/
	tx     require 1.3  refused/ktls-no-ulp     kernel/                 kernel/
	rx     off     1.2  user/policy-off         user/policy-off         user/policy-off
	rx     off     1.3  user/policy-off         user/policy-off         user/policy-off
	rx     auto    1.2  user/ktls-no-ulp        kernel/                 kernel/
	rx     auto    1.3  user/ktls-no-ulp        user/ktls-no-rekey      kernel/
	rx     on      1.2  user/ktls-no-ulp        kernel/                 kernel/
	rx     on      1.3  user/ktls-no-ulp        kernel/                 kernel/
	rx     require 1.2  refused/ktls-no-ulp     kernel/                 kernel/
	rx     require 1.3  refused/ktls-no-ulp     refused/ktls-no-rekey   kernel/
	END
}

# The rows as this kernel should show them.
rows() {
	local column=4
	[[ $KTLSD_EXPECT != ktls ]] || column=5
	[[ $KTLSD_EXPECT != ktls+rekey ]] || column=6
	table | awk -v c=$column '!/^#/ { print $1, $2, $3, $c }'
}

# The newest line of the log about the end of a connection of that listener.
log_line() { # LISTENER
	LINE=$(grep " listener=$1 " "$T/ktlsd.log" | tail -n 1)
}

log_lines_are() { # LISTENER NUMBER
	[[ $(grep -c " listener=$1 " "$T/ktlsd.log") == "$2" ]]
}

# Fails unless LINE has that.
line_has() { # WORD
	[[ " $LINE " == *" $1 "* ]] || {
		echo "'$1' is not in: $LINE"
		return 1
	}
}

# One small exchange in that version.
exchange() { # PORT VERSION
	PORT=$1 NAME=ecdsa.test
	matrix_exchange openssl "$2" gcm128 5 >"$T/came" 2>"$T/client.log"
}

row_run() { # DIRECTION VALUE VERSION MODE/REASON
	local mode=${4%/*} reason=${4#*/} listener=$1-$2 port lines
	port=$(awk -v l="$listener" '$3 == l { getline; sub(/.*:/, ""); print }' "$T/ktlsd.yaml")
	lines=$(grep -c " listener=$listener " "$T/ktlsd.log" || true)
	if exchange "$port" "$3"; then
		[[ $mode != refused ]] || {
			echo "was not refused"
			return 1
		}
		diff "$T/expected" "$T/came" || return
	else
		[[ $mode == refused ]] || {
			echo "the client failed"
			return 1
		}
	fi
	wait_until 20 log_lines_are "$listener" $((lines + 1)) || return
	log_line "$listener"
	if [[ $mode == refused ]]; then
		# provokes: ktls-required
		line_has reason=ktls-required && line_has "$1_fallback=$reason"
	else
		line_has reason=closed && line_has "$1=$mode" &&
			{ [[ -z $reason ]] || line_has "$1_fallback=$reason"; }
	fi
}

@test "the table, row by row" {
	local direction value version outcome rows=0 failed=0
	matrix_expected openssl 5 >"$T/expected"
	while read -r direction value version outcome <&9; do
		((++rows))
		row_run "$direction" "$value" "$version" "$outcome" && continue
		echo "FAILED: $direction: $value, TLS $version, should be $outcome"
		((++failed))
	done 9< <(rows)
	((rows == 16 && failed == 0))
}

policies() { # LISTENER
	ctl policy --json | jq -r --arg l "$1" \
		'.listeners[] | select(.listener == $l) | "\(.tx) \(.rx) \(.overridden)"'
}

@test "an override holds for one listener or all, until the next reload" {
	[[ $(policies flip) == "off off false" ]]
	ctl policy --listener flip tx=auto
	[[ $(policies flip) == "auto off true" ]]
	[[ $(policies other) == "off off false" ]]
	ctl policy tx=on rx=auto
	[[ $(policies flip) == "on auto true" ]]
	[[ $(policies other) == "on auto true" ]]
	ctl reload
	[[ $(policies flip) == "off off false" ]]
	[[ $(policies other) == "off off false" ]]
}

@test "an override that is wrong changes nothing" {
	run -1 ctl policy --listener flip tx=sometimes
	run -1 ctl policy --listener nobody tx=on
	[[ $(policies flip) == "off off false" ]]
}

# Requests without end for a while, each in a connection of its own.
load_start() { # NAME
	PORT=4100 NAME=ecdsa.test
	matrix_client curl 1.3 gcm128
	spawn "$1" "$HELPERS/converse" -t 300 -- "${CLIENT[@]}" --header "Connection: close" \
		"https://$NAME:$PORT/$LOAD_BODY?[1-$LOAD_REQUESTS]"
}

any_is_running() { # NAME...
	local name
	for name; do
		! is_running "$name" || return 0
	done
	return 1
}

load_expected() {
	local -a copies
	"$HELPERS/pattern" body down "$LOAD_BODY" >"$T/body"
	mapfile -t copies < <(yes "$T/body" | head -n "$LOAD_REQUESTS")
	"$HELPERS/converse" -- cat "${copies[@]}"
}

@test "policy is flipped under load and no request fails" {
	local flips=0 value name
	local -a clients=(load-1 load-2 load-3)
	load_expected >"$T/expected-load"
	counters_read
	local accepted=${COUNT[connections_accepted]} kernel=${COUNT[tx_kernel]}
	local off=${COUNT[tx/policy-off]-0} closed=${COUNT[end/closed]-0}
	for name in "${clients[@]}"; do
		load_start "$name"
	done
	while any_is_running "${clients[@]}"; do
		for value in on off auto off; do
			ctl policy --listener flip "tx=$value" "rx=$value" >/dev/null
			((++flips))
		done
	done
	for name in "${clients[@]}"; do
		diff "$T/expected-load" "$T/$name.log"
		wait "$(spawned "$name")"
	done
	wait_until 20 counter_is connections_open 0
	echo "$flips flips"
	((flips >= 8))
	((COUNT[connections_accepted] - accepted == 3 * LOAD_REQUESTS))
	((COUNT[end/closed] - closed == 3 * LOAD_REQUESTS))
	# the flips were seen
	((${COUNT[tx/policy-off]-0} > off))
	if expect_ktls; then
		((COUNT[tx_kernel] > kernel))
		wait_until 20 tls_stat_is_idle
	fi
}

is_listed() { # LISTENER
	ctl list --own --json | grep -q "\"listener\":\"$1\",\"state\":\"open\""
}

@test "after 'off' the kernel's connections end as they would, and no new ones come" {
	expect_ktls || skip "this kernel has no TLS"
	PORT=4100 NAME=ecdsa.test
	ctl policy --listener flip tx=on rx=on
	matrix_client openssl 1.3 gcm128
	spawn hold "$HELPERS/converse" -t 300 -- "${CLIENT[@]}"
	wait_until 30 is_listed flip
	tls_stat_read
	[[ ${TLS_STAT[TlsCurrTxSw]} == 1 && ${TLS_STAT[TlsCurrRxSw]} == 1 ]]
	local sockets=${TLS_STAT[TlsTxSw]}
	ctl policy tx=off rx=off
	exchange 4100 1.3
	exchange 4100 1.2
	tls_stat_read
	[[ ${TLS_STAT[TlsCurrTxSw]} == 1 && ${TLS_STAT[TlsTxSw]} == "$sockets" ]]
	stop hold
	wait_until 20 tls_stat_is_idle
}
