#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Why records are not on the network device: each fault of the software offload NIC shows its own
# reason in `ktlsctl list`, `events` and `diagnose`, and goes away by its remedy. The sockets belong
# to another program, in network namespaces of their own.
#
# shellcheck disable=SC2030,SC2031,SC2154 # each test has its ROW; NIC and SUBJECT come from tlsnic.bash

load lib
load tlsnic

setup_file() {
	expect_ktls && [[ ${KTLSD_TLSNIC-} ]] || return 0
	suite_begin --no-certificates
	tlsnic_load
	# this one is older than the programs
	tlsnic_set add_error_tx 12
	PAIR=old tlsnic_pair_start
	config_begin
	daemon_start
	observer_start
	log_has ktlsd 'msg="programs watch'
	remember old
	tlsnic_reset
}

teardown_file() {
	suite_end
	[[ ! ${KTLSD_TLSNIC-} ]] || tlsnic_unload
}

setup() {
	tell_try
	tlsnic_need
}

teardown() {
	[[ ! ${T-} ]] || tlsnic_reset
	[[ ! -e /run/netns/$NIC_A ]] || ip -n "$NIC_A" link del other0 2>/dev/null || true
}

# Sets COOKIE to the subject's.
cookie_of() { # SUBJECT|PEER line
	[[ $1 =~ \ cookie=([0-9]+)\  ]]
	COOKIE=${BASH_REMATCH[1]}
}

# Sets ROW to what list says of the socket now; fails if it is not there.
row_read() {
	ROW=$(ctl list --all-namespaces --json | grep -F "\"cookie\":$COOKIE,")
	[[ $ROW ]]
}

remember() { # NAME
	cookie_of "$SUBJECT"
	row_read
	echo "$ROW" >"$T/$1.row"
}

# True if ROW says so of the direction: "MODE OFFLOAD ERRNO", "-" for what it does not say.
row_has() { # tx|rx MODE OFFLOAD ERRNO
	[[ $(jq -r --arg dir "$1" '.[$dir] | "\(.mode) \(.offload // "-") \(.offload_errno // "-")"' \
		<<<"${ROW%,}") == "$2 $3 $4" ]]
}

is_listed() { # tx|rx MODE OFFLOAD ERRNO
	row_read && row_has "$@"
}

# Within a second, or what that is in an emulated guest.
shows() { # tx|rx MODE OFFLOAD [ERRNO]
	wait_until 5 is_listed "$1" "$2" "$3" "${4--}" && return
	echo "not '$*' but: $ROW"
	return 1
}

# An event of that kind, of our socket, is like that.
event_has() { # EVENT DIRECTION FILTER
	ctl events --json | jq -es --argjson cookie "$COOKIE" --arg event "$1" --arg direction "$2" "
		map(select(.cookie == \$cookie and .event == \$event and .direction == \$direction)) |
		any($3)" >/dev/null
}

event_comes() { # EVENT DIRECTION FILTER
	wait_until 5 event_has "$@" && return
	echo "no event $*:"
	ctl events --json | grep -F "\"cookie\":$COOKIE,"
	return 1
}

diagnosis_names() { # REASON
	local status=0
	ctl diagnose >"$T/diagnosis" || status=$?
	grep -qF "$1" "$T/diagnosis" && [[ $status == 3 ]] && return
	echo "exit code $status, and no $1 in:"
	cat "$T/diagnosis"
	return 1
}

start() { # [OPTION...]
	tlsnic_pair_start "$@"
	cookie_of "$SUBJECT"
}

@test "a socket on the device is called so, both ways" {
	start
	tlsnic_send 10
	shows tx device -
	shows rx device -
	[[ $(jq -r '"\(.tx.device) \(.rx.device) \(.egress) \(.process.comm) \(.installer.comm)"' \
		<<<"${ROW%,}") == "tlsnic0 tlsnic0 tlsnic0 ktls_pair ktls_pair" ]]
	[[ $(jq '.tx.records, .rx.records' <<<"${ROW%,}" | paste -sd ' ') == "10 10" ]]
	event_comes device tx '.error == null and .device == "tlsnic0"'
	event_comes device rx '.error == null'
}

@test "keys that are older than the programs are not guessed about" {
	ROW=$(<"$T/old.row")
	row_has tx kernel device-not-seen -
	row_has rx device - -
	[[ $(jq '.since_ms' <<<"${ROW%,}") == null ]]
}

@test "a device that has no TLS" {
	ip -n "$NIC_A" link set lo up
	tlsnic_pair_start -N "$NIC_A:$NIC_A" -a 127.0.0.1
	cookie_of "$SUBJECT"
	shows tx kernel device-no-feature EOPNOTSUPP
	shows rx kernel device-no-feature EOPNOTSUPP
	[[ $(jq -r .egress <<<"${ROW%,}") == lo ]]
}

@test "a feature that is switched off, and its remedy" {
	tlsnic_feature tlsnic0 tx off
	start
	shows tx kernel device-feature-off EOPNOTSUPP
	shows rx device -
	event_comes device tx '.error == "EOPNOTSUPP" and .reason == "device-feature-off"'
	diagnosis_names device-feature-off
	tlsnic_pair_stop
	tlsnic_feature tlsnic0 tx on
	tlsnic_feature tlsnic0 rx off
	start
	shows tx device -
	shows rx kernel device-feature-off EOPNOTSUPP
	tlsnic_pair_stop
	tlsnic_feature tlsnic0 rx on
	start
	shows rx device -
}

@test "what Linux gives no device" {
	start -V 1.3
	shows tx kernel device-version EOPNOTSUPP
	shows rx kernel device-version EOPNOTSUPP
	tlsnic_pair_stop
	start -c aes-ccm-128
	shows tx kernel device-cipher EINVAL
}

@test "a driver that refuses, and its remedy" {
	tlsnic_set add_error_tx 12
	tlsnic_set add_error_rx 28
	start
	tlsnic_send 5
	shows tx kernel device-refused ENOMEM
	shows rx kernel device-refused ENOSPC
	event_comes device tx '.error == "ENOMEM" and .reason == "device-refused"'
	event_comes device rx '.error == "ENOSPC" and .reason == "device-refused"'
	diagnosis_names device-refused
	tlsnic_pair_stop
	tlsnic_set add_error_tx 0
	tlsnic_set add_error_rx 0
	start
	shows tx device -
	shows rx device -
}

@test "a device that goes down under a connection, which ss does not tell" {
	start
	tlsnic_flow_start
	tlsnic_counters_read tlsnic0
	wait_until 20 tlsnic_counter_is tlsnic0 tx_tls_encrypted_packets -gt \
		"$((NIC[tx_tls_encrypted_packets] + 50))"
	tlsnic_down tlsnic0
	shows tx kernel device-lost
	shows rx kernel device-lost
	[[ $(jq '.degraded' <<<"${ROW%,}") == true ]]
	tlsnic_expect "hw hw" "hw hw"
	ctl events --json | jq -es 'any(.event == "device-down" and .device == "tlsnic0")' >/dev/null
	diagnosis_names device-lost
	tlsnic_pair_stop
	tlsnic_up tlsnic0
	start
	shows tx device -
}

@test "a device that is down when the keys come in, and its remedy" {
	tlsnic_pair_prepare
	tlsnic_down tlsnic0
	tlsnic_pair_continue
	cookie_of "$SUBJECT"
	shows tx kernel device-down EOPNOTSUPP
	diagnosis_names device-down
	tlsnic_pair_stop
	tlsnic_up tlsnic0
	start
	shows tx device -
}

@test "packets that leave through another device" {
	start -d tx
	tlsnic_send 5
	shows tx device -
	ip -n "$NIC_A" link add other0 type dummy
	ip -n "$NIC_A" link set other0 up
	ip -n "$NIC_A" route add 10.77.0.2/32 dev other0
	tlsnic_tell "push 3"
	shows tx device device-other-egress
	event_comes soft-packet tx true
	diagnosis_names device-other-egress
}

@test "kernel and device that get out of step are told" {
	tlsnic_set tx_resync_every 25
	start
	tlsnic_send 60
	event_comes resync tx true
	tlsnic_set tx_resync_every 0
	tlsnic_set rx_desync_every 50
	tlsnic_send 100
	cookie_of "$PEER"
	event_comes resync rx true
	row_read
	(($(jq '.rx.resyncs' <<<"${ROW%,}") >= 1))
	[[ $(jq '.rx.errors' <<<"${ROW%,}") == 0 ]]
}

@test "records that were damaged on the way are told, with their socket" {
	start -d tx
	tlsnic_send 5
	tlsnic_set corrupt_every 10
	tlsnic_send_fails 20 EBADMSG
	cookie_of "$PEER"
	event_comes error rx '.error == "EBADMSG"'
	event_has error rx '.mode == "device"'
}
