#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The software offload NIC itself: the kernel really hands its sockets over, every fault has the
# effect its name says, and what crosses the devices arrives unchanged through all of them. Without
# ktlsd: other files build on this.
#
# shellcheck disable=SC2154 # NIC and TLS_STAT come from tlsnic.bash

load lib
load tlsnic

TRACE=/sys/kernel/tracing/instances/tlsnic

setup_file() {
	expect_ktls && [[ ${KTLSD_TLSNIC-} ]] || return 0
	suite_begin --no-certificates
	tlsnic_load
}

teardown_file() {
	[[ ! ${T-} ]] || tlsnic_unload
	suite_end
}

setup() {
	tell_try
	tlsnic_need
}

teardown() {
	[[ ! -d $TRACE ]] || rmdir "$TRACE"
	[[ ! ${T-} ]] || tlsnic_reset
}

# Keeps the counters of a device to tell what a test added.
before() { # DEVICE
	local name
	tlsnic_counters_read "$1"
	tlsnic_stat_read "$1"
	declare -gA BEFORE=()
	for name in "${!NIC[@]}"; do BEFORE[$name]=${NIC[$name]}; done
	for name in "${!TLS_STAT[@]}"; do BEFORE[$name]=${TLS_STAT[$name]}; done
}

# Sets ADDED[name] to what was added since.
after() { # DEVICE
	local name
	tlsnic_counters_read "$1"
	tlsnic_stat_read "$1"
	declare -gA ADDED=()
	for name in "${!NIC[@]}"; do ADDED[$name]=$((NIC[$name] - BEFORE[$name])); done
	for name in "${!TLS_STAT[@]}"; do ADDED[$name]=$((TLS_STAT[$name] - BEFORE[$name])); done
}

# Each of these looks at ADDED.
added() { # NAME OPERATOR VALUE
	test "${ADDED[$1]}" "$2" "$3" || {
		echo "$1 rose by ${ADDED[$1]}, which is not $2 $3"
		return 1
	}
}

# Records of the kernel's trace event: some are decrypted in part.
trace_start() {
	mkdir "$TRACE"
	echo 1 >"$TRACE/events/tls/tls_device_decrypted/enable"
}

@test "both directions on the device, with IPv4 and IPv6, AES-128 and AES-256" {
	local options
	before tlsnic0
	for options in "" "-a fd77::2" "-c aes-gcm-256" "-d tx" "-d rx"; do
		# shellcheck disable=SC2086 # a list of words
		tlsnic_pair_start $options
		tlsnic_send 20
		case $options in
		"-d tx") tlsnic_expect "hw none" "none hw" ;;
		"-d rx") tlsnic_expect "none hw" "hw none" ;;
		*) tlsnic_expect "hw hw" "hw hw" ;;
		esac
		tlsnic_pair_stop
	done
	after tlsnic0
	added TlsTxDevice -eq 4
	added TlsRxDevice -eq 4
	added TlsTxSw -eq 0
	added tx_tls_ctx -eq 4
	added rx_tls_ctx -eq 4
	added tx_tls_encrypted_packets -ge 80
	added rx_tls_decrypted_packets -ge 80
	added rx_tls_missed_packets -eq 0
	added TlsRxDeviceResync -eq 0
}

@test "the kernel knows how many sockets the device has, until they close" {
	before tlsnic1
	PAIR=one tlsnic_pair_start
	PAIR=two tlsnic_pair_start -d tx
	after tlsnic1
	added TlsCurrTxDevice -eq 1
	added TlsCurrRxDevice -eq 2
	PAIR=one tlsnic_pair_stop
	PAIR=two tlsnic_pair_stop
	# what sends is taken off the device some time after its last packet
	wait_until 20 tlsnic_counter_is tlsnic1 tx_tls_del -eq "${NIC[tx_tls_ctx]}"
	after tlsnic1
	added TlsCurrTxDevice -eq 0
	added TlsCurrRxDevice -eq 0
	added rx_tls_del -eq 2
}

@test "what the kernel does not offload stays in software" {
	local options
	before tlsnic0
	for options in "-V 1.3" "-V 1.3 -c aes-gcm-256" "-c chacha20-poly1305" "-c aes-ccm-128"; do
		# shellcheck disable=SC2086 # a list of words
		tlsnic_pair_start $options
		tlsnic_send 20
		tlsnic_expect "sw sw" "sw sw"
		tlsnic_pair_stop
	done
	after tlsnic0
	added TlsTxSw -eq 4
	added TlsRxSw -eq 4
	added tx_tls_ctx -eq 0
	added rx_tls_ctx -eq 0
	added tx_tls_refused -eq 0
	# the cipher, of receiving, is a question to the driver
	added rx_tls_refused -eq 2
}

@test "a feature that is off, and on again" {
	tlsnic_feature tlsnic0 tx off
	tlsnic_pair_start
	tlsnic_send 20
	tlsnic_expect "sw hw" "hw hw"
	tlsnic_pair_stop
	tlsnic_feature tlsnic0 tx on
	tlsnic_feature tlsnic0 rx off
	tlsnic_pair_start
	tlsnic_send 20
	tlsnic_expect "hw sw" "hw hw"
	tlsnic_pair_stop
	tlsnic_feature tlsnic0 rx on
	tlsnic_pair_start
	tlsnic_expect "hw hw" "hw hw"
}

@test "a driver that refuses" {
	before tlsnic0
	tlsnic_set add_error_tx 12
	tlsnic_pair_start
	tlsnic_send 20
	tlsnic_expect "sw hw" "sw hw"
	tlsnic_pair_stop
	tlsnic_set add_error_tx 0
	tlsnic_set add_error_rx 28
	tlsnic_pair_start
	tlsnic_send 20
	tlsnic_expect "hw sw" "hw sw"
	after tlsnic0
	added tx_tls_refused -eq 1
	added rx_tls_refused -eq 1
	added TlsTxSw -eq 1
	added TlsRxSw -eq 1
	added TlsTxDevice -eq 1
	added TlsRxDevice -eq 1
	added tx_tls_encrypted_packets -ge 20
	added rx_tls_decrypted_packets -eq 0
}

@test "records of which some packets arrive encrypted" {
	local every
	before tlsnic1
	trace_start
	for every in 2 3 7; do
		tlsnic_set rx_miss_every "$every"
		tlsnic_pair_start
		tlsnic_send 40
		tlsnic_pair_stop
	done
	# and on a connection that is under way
	tlsnic_set rx_miss_every 0
	tlsnic_pair_start
	tlsnic_flow_start
	wait_until 20 tlsnic_counter_is tlsnic1 rx_tls_decrypted_packets -gt \
		"$((BEFORE[rx_tls_decrypted_packets] + 600))"
	tlsnic_set rx_miss_every 4
	wait_until 20 tlsnic_counter_is tlsnic1 rx_tls_missed_packets -gt \
		"$((NIC[rx_tls_missed_packets] + 50))"
	tlsnic_set rx_miss_every 0
	tlsnic_flow_stop
	(($(grep -c 'encrypted=0 decrypted=0' "$TRACE/trace") >= 60))
	after tlsnic1
	added rx_tls_missed_packets -ge 150
	added TlsDecryptError -eq 0
}

@test "receiving gets out of step, and the kernel finds where to go on" {
	before tlsnic1
	tlsnic_set rx_desync_every 50
	tlsnic_pair_start
	tlsnic_send 100
	after tlsnic1
	added rx_tls_desync -ge 1
	added rx_tls_missed_packets -ge 10
	added rx_tls_resync -ge 1
	added rx_tls_resync_req -eq 0
	added TlsRxDeviceResync -eq "${ADDED[rx_tls_resync]}"
	added TlsDecryptError -eq 0
}

@test "receiving gets out of step, and the device asks where to go on" {
	before tlsnic1
	tlsnic_set rx_resync 1
	tlsnic_set rx_desync_every 50
	tlsnic_pair_start
	tlsnic_send 100
	after tlsnic1
	added rx_tls_desync -ge 2
	added rx_tls_resync_req -ge 2
	added rx_tls_resync -ge 2
	added TlsRxDeviceResync -eq "${ADDED[rx_tls_resync]}"
	added TlsDecryptError -eq 0
}

@test "sending gets out of step, and the device asks where to go on" {
	before tlsnic0
	tlsnic_set tx_resync_every 25
	tlsnic_pair_start
	tlsnic_send 60
	after tlsnic0
	added tx_tls_resync_req -ge 5
	added tx_tls_resync -ge 5
}

@test "packets that are lost are sent again" {
	before tlsnic0
	tlsnic_set drop_every 40
	tlsnic_pair_start
	tlsnic_send 60
	tlsnic_expect "hw hw" "hw hw"
	after tlsnic0
	added tx_tls_dropped_packets -ge 3
	added TlsDecryptError -eq 0
}

@test "a packet that was damaged is a decryption error of its receiver" {
	before tlsnic1
	# one way only, and early: the first to be damaged ends the connection
	tlsnic_pair_start -d tx
	tlsnic_send 5
	tlsnic_set corrupt_every 10
	tlsnic_send_fails 20 EBADMSG
	after tlsnic1
	added TlsDecryptError -eq 1
}

# The kernel encrypts and decrypts from here on, and says nothing of it.
@test "the link goes down with traffic on its way" {
	local device other
	for device in tlsnic0 tlsnic1; do
		other=tlsnic1
		[[ $device == tlsnic0 ]] || other=tlsnic0
		before "$device"
		tlsnic_pair_start
		tlsnic_flow_start
		wait_until 20 tlsnic_counter_is "$device" rx_tls_decrypted_packets -gt \
			"$((BEFORE[rx_tls_decrypted_packets] + 200))"
		tlsnic_down "$device"
		after "$device"
		added tx_tls_del -eq 1
		added rx_tls_del -eq 1
		tlsnic_up "$device"
		# nothing is encrypted or decrypted by that device any more
		before "$device"
		PACKETS=
		wait_until 40 packets_have_come "$other" 300
		tlsnic_flow_stop
		after "$device"
		added tx_tls_encrypted_packets -eq 0
		added rx_tls_decrypted_packets -eq 0
		added TlsDecryptError -eq 0
		tlsnic_expect "hw hw" "hw hw"
		tlsnic_pair_stop
	done
}

# True when the device has received so many more packets than at the first call.
packets_have_come() { # DEVICE N
	local line now
	tlsnic_netns "$1"
	while read -r line; do
		[[ ! $line =~ ^$1:\ *[0-9]+\ +([0-9]+) ]] || now=${BASH_REMATCH[1]}
	done <"$NETNS_PROC/dev"
	: "${PACKETS:=$now}"
	((now - PACKETS > $2))
}
