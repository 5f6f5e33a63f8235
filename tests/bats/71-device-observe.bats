#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the kernel programs say of sockets whose keys a network device has, or refused: with the
# software offload NIC, fault by fault. Needs root and BPF.
#
# shellcheck disable=SC2034,SC2154 # PIN is read by observe.bash, TLS_STAT comes from tlsnic.bash

load lib
load observe
load tlsnic

OBSERVE=$HELPERS/observe_dump
# As what a socket's device can do is told: known, up, sending and receiving supported and active.
ALL_ACTIVE=0x3f

setup_file() {
	expect_ktls && [[ ${KTLSD_TLSNIC-} ]] || return 0
	suite_begin --no-certificates
	tlsnic_load
	"$OBSERVE" load /run/ktlsd-device-test 65534 >&2
	"$OBSERVE" attach /run/ktlsd-device-test >&2
}

teardown_file() {
	[[ ! ${T-} ]] || {
		"$OBSERVE" unload /run/ktlsd-device-test
		rmdir /run/ktlsd-device-test
		tlsnic_unload
	}
	suite_end
}

setup() {
	tell_try
	tlsnic_need
	BPFFS=/run/ktlsd-device-test
	# the devices are in other network namespaces
	PIN=$BPFFS/iter_task_file
	events >/dev/null
}

teardown() {
	[[ ! ${T-} ]] || tlsnic_reset
}

# Of the subject, or with "peer" of that: sets LINE.
look() { # [peer]
	dump
	if [[ ${1-} ]]; then reported "$PEER"; else reported "$SUBJECT"; fi
}

# Sets VALUE to a field of LINE that is a number above 0.
above_zero() { # NAME
	field "$LINE" "$1"
	((VALUE > 0)) || {
		echo "$1 is $VALUE in: $LINE"
		return 1
	}
}

has_soft_packets() {
	look && above_zero tx_soft
}

@test "both directions on the device" {
	tlsnic_pair_start
	tlsnic_send 20
	look
	expect tx_conf 2
	expect rx_conf 2
	expect tx_offer 2
	expect rx_offer 2
	expect tx_device_errno 0
	expect rx_device_errno 0
	expect device tlsnic0
	expect egress tlsnic0
	expect egress_features "$ALL_ACTIVE"
	expect tx_records 20
	expect rx_records 20
	expect tx_soft 0
	expect flags 0
	look peer
	expect device tlsnic1
	[[ $(events | grep -c '^device [01] 0 ') == 4 ]]
	tlsnic_pair_stop
	[[ $(events) == $'close 255 0 20 20 0\nclose 255 0 20 20 0' ]]
}

@test "the driver refuses: its errno, and that it was asked" {
	tlsnic_set add_error_tx 12
	tlsnic_set add_error_rx 5
	tlsnic_pair_start
	tlsnic_send 3
	look
	expect tx_conf 1
	expect rx_conf 1
	expect tx_offer 2
	expect tx_device_errno 12
	expect rx_offer 2
	expect rx_device_errno 5
	expect device ''
	events >"$T/events"
	[[ $(grep -c '^device 0 12 ' "$T/events") == 2 && $(grep -c '^device 1 5 ' "$T/events") == 2 ]]
}

@test "a feature that is switched off is told from one that there is not" {
	tlsnic_feature tlsnic0 tx off
	tlsnic_pair_start
	look
	expect tx_conf 1
	expect tx_offer 1
	expect tx_device_errno 95
	expect egress_features 0x37
	expect rx_conf 2
	# it could, so this is news
	events | grep -q '^device 0 95 '
}

@test "TLS 1.3 is refused before the driver, though the device is ready" {
	tlsnic_pair_start -V 1.3
	look
	expect tx_conf 1
	expect tx_offer 1
	expect tx_device_errno 95
	expect rx_offer 1
	expect egress_features "$ALL_ACTIVE"
}

@test "a device that goes down under a connection: degraded, encrypted by the kernel" {
	tlsnic_pair_start
	tlsnic_send 5
	tlsnic_down tlsnic0
	look
	expect tx_conf 2
	expect flags 0x1
	expect device ''
	tlsnic_up tlsnic0
	tlsnic_send 5
	wait_until 20 has_soft_packets
	look
	expect tx_records 10
	events >"$T/events"
	grep -q '^device-down 255 0 ' "$T/events"
	[[ $(grep -c '^soft-packet 0 0 ' "$T/events") == 1 ]]
}

# Sets VALUE to what tls_stat of both ends has, less what the totals have.
resyncs_compare() {
	tlsnic_stat_read tlsnic0
	VALUE=${TLS_STAT[TlsRxDeviceResync]}
	tlsnic_stat_read tlsnic1
	total resync 1 1
	VALUE=$((VALUE + TLS_STAT[TlsRxDeviceResync] - COUNT))
}

@test "resynchronisation of both directions, as often as tls_stat says" {
	local before
	resyncs_compare
	before=$VALUE
	tlsnic_set rx_desync_every 5
	tlsnic_set tx_resync_every 7
	tlsnic_pair_start
	tlsnic_send 60
	look
	above_zero rx_resyncs
	above_zero tx_resyncs
	events >"$T/events"
	grep -q '^resync 0 0 ' "$T/events"
	grep -q '^resync 1 0 ' "$T/events"
	resyncs_compare
	[[ $VALUE == "$before" ]]
}
