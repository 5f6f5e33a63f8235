# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What ktlsctl tells of a mixed workload of kernel-TLS sockets that others own, against independent
# witnesses: the records of a loss-free capture, /proc/net/tls_stat, and the workload's own account.
# In a network namespace where nothing else happens.

load lib

N_CONNECTIONS=1000
NS=ktlsd-oracle-$$

setup_file() {
	expect_ktls || return 0
	suite_begin --no-certificates
	echo "$NS" >"$T/ns"
	ip netns add "$NS"
	ip -n "$NS" link set lo up
	config_begin
	daemon_start nsenter --net="/run/netns/$NS"
	observer_start
	log_has ktlsd 'msg="programs watch'
	events_follow
	traffic_run
}

teardown_file() {
	expect_ktls || return 0
	local ns=
	[[ ! -e $T/ns ]] || ns=$(<"$T/ns")
	suite_end
	[[ ! $ns ]] || ip netns del "$ns"
}

setup() {
	tell_try
	expect_ktls || skip "this kernel has no TLS"
}

inside() { # COMMAND...
	nsenter --net="/run/netns/$(<"$T/ns")" "$@"
}

events_come() {
	[[ -s $T/events.log ]] || inside "$HELPERS/traffic" -n 1 >/dev/null
	[[ -s $T/events.log ]]
}

# From here on nothing is missed: the first event was seen.
events_follow() {
	spawn events "$KTLSD_BUILD/ktlsctl" events --follow --json --socket "$T/run/api.sock"
	wait_until 30 events_come
}

# Leaves the workload's account in traffic, the capture's in wire, tls_stat in before and after.
traffic_run() {
	local -a options=(-n "$N_CONNECTIONS")
	! expect_rekey || options+=(-k)
	inside cat /proc/net/tls_stat >"$T/before"
	ctl stats --json >"$T/stats-before"
	spawn capture nsenter --net="/run/netns/$NS" tcpdump -i lo -s 0 -B 65536 -U -Z root \
		-w "$T/pcap" tcp
	wait_log capture 'listening on'
	inside "$HELPERS/traffic" "${options[@]}" >"$T/traffic"
	grep -qx READY "$T/traffic"
	sed -i /READY/d "$T/traffic"
	wait_until 60 sockets_are_gone
	wait_until 60 closes_have_come
	inside cat /proc/net/tls_stat >"$T/after"
	ctl stats --json >"$T/stats-after"
	wait_until 30 capture_is_whole
	stop capture INT
	"$HELPERS/wire_records" "$T/pcap" >"$T/wire"
}

# What was sent last has been written; before, the file may end within a packet.
capture_is_whole() {
	local from to
	read -r _ _ from to _ < <(tail -n 2 "$T/traffic")
	"$HELPERS/wire_records" "$T/pcap" 2>/dev/null >"$T/wire" || return
	grep -qE "^$from $to ([1-9][0-9]* |0 [1-9])" "$T/wire"
}

sockets_are_gone() {
	! inside ss -HOnti state all | grep -q tcp-ulp-tls
}

# In every eighth connection one end has no TLS.
closes_have_come() {
	(($(grep -c '"event":"close"' "$T/events.log") >= 2 * N_CONNECTIONS - N_CONNECTIONS / 8))
}

# Lines "COOKIE TX RX" of what the capture and the workload say.
expected_records() {
	awk '
		NR == FNR { records[$1, $2] = $3; next }
		$1 == "bad-header" && ++bad % 2 { next }
		{ print $2, records[$3, $4] + 0, records[$4, $3] - $5 }' "$T/wire" "$T/traffic" | sort
}

seen_records() {
	jq -r --slurpfile ours <(awk '{ print $2 }' "$T/traffic") '
		select(.event == "close" and .cookie) | "\(.cookie) \(.tx_records // 0) \(.rx_records // 0)"' \
		"$T/events.log" | sort | join -j 1 - <(awk '{ print $2 }' "$T/traffic" | sort)
}

@test "the capture has lost nothing" {
	grep -E '^0 packets dropped by kernel' "$T/capture.log"
	[[ $(grep -c . "$T/traffic") == $((2 * N_CONNECTIONS)) ]]
	# in each connection with TLS at both ends every byte belongs to a record
	[[ $(awk '$4 && $5 != "bad"' "$T/wire" | wc -l) == 0 ]]
}

@test "records of each socket and direction are those of the capture, of aborted ones less what was not read" {
	expected_records >"$T/expected"
	seen_records >"$T/seen"
	[[ $(wc -l <"$T/expected") == $((2 * N_CONNECTIONS - N_CONNECTIONS / 8)) ]]
	diff "$T/expected" "$T/seen" | head -n 20
	cmp "$T/expected" "$T/seen"
}

@test "the sum over all closed sockets is the sum of the records" {
	local sum
	sum=$(expected_records | awk '{ tx += $2; rx += $3 } END { print tx, rx }')
	for direction in tx rx; do
		jq -s --arg direction "$direction" '[.[1], .[0] | [.totals[] | select(.event == "close" and
			.direction == $direction) | .records // 0] | add // 0] | .[0] - .[1]' \
			"$T/stats-before" "$T/stats-after"
	done | paste -sd ' ' >"$T/sum"
	echo "expected $sum, totals say $(<"$T/sum")"
	[[ $sum == "$(<"$T/sum")" ]]
}

# Lines "NAME VALUE" of what happened meanwhile.
tls_stat_delta() {
	awk 'NR == FNR { before[$1] = $2; next } { print $1, $2 - before[$1] }' \
		"$T/before" "$T/after" | sort
}

ours_delta() {
	jq -rs '(.[0].tls_stat | map({(.name): .ours}) | add) as $before | .[1].tls_stat[] |
		select(.ours != null) | "\(.name) \(.ours - $before[.name])"' \
		"$T/stats-before" "$T/stats-after" | sort
}

@test "what the observer counted is what tls_stat counted" {
	ours_delta >"$T/ours"
	tls_stat_delta | join - "$T/ours" >"$T/both"
	cat "$T/both"
	(($(wc -l <"$T/both") >= 6))
	grep -qE '^TlsDecryptError [1-9]' "$T/both"
	! expect_rekey || grep -qE '^TlsRxRekeyOk [1-9]' "$T/both"
	[[ $(awk '$2 != $3' "$T/both") == "" ]]
}

@test "errors, open records and read-backs are told of the sockets they happened to" {
	local turn event sockets
	while read -r turn event sockets; do
		awk -v turn="$turn" '$1 == turn { print $2 }' "$T/traffic" | sort >"$T/of-turn"
		jq -r --arg event "$event" 'select(.event == $event and .cookie) | .cookie' \
			"$T/events.log" | sort -u | join - "$T/of-turn" >"$T/told"
		echo "$turn: $(wc -l <"$T/told") sockets with $event"
		[[ $(wc -l <"$T/told") == "$sockets" ]]
	done <<-END
		bad-key error $((N_CONNECTIONS / 8))
		bad-header framing $((N_CONNECTIONS / 8))
		keys-read keys-read $((N_CONNECTIONS / 4))
	END
	[[ $(jq -r 'select(.event == "close" and .unsent) | .cookie' "$T/events.log" | wc -l) == \
		$((N_CONNECTIONS / 8)) ]]
}

@test "nothing was lost" {
	[[ $(jq '.observer.lost, .observer.forgotten' "$T/stats-after" | paste -sd ' ') == "0 0" ]]
}
