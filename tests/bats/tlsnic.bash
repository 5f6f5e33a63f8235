# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# The software offload NIC of tests/kmod and kernel-TLS connections through it. To be loaded by bats
# files after lib; its functions return 1 and say why on stdout when something is wrong.
#
#	tlsnic_need			in setup(): skips where there is no kernel TLS or no module
#	tlsnic_load			in setup_file(), after suite_begin: loads the module anew: tlsnic0 in namespace $NIC_A with 10.77.0.1 and
#					fd77::1, tlsnic1 in $NIC_B with 10.77.0.2 and fd77::2, both up
#	tlsnic_unload			in teardown_file(), before suite_end: removes module and namespaces
#	tlsnic_reset			in teardown(): ends pairs, takes all faults away, features on, links up
#	tlsnic_set NAME VALUE		a fault, 0 is none: see tests/kmod/README.md
#	tlsnic_feature DEVICE tx|rx on|off	what ethtool -K does
#	tlsnic_down DEVICE, tlsnic_up DEVICE	the link
#	tlsnic_in DEVICE COMMAND...	runs it in the device's namespace
#	tlsnic_counters_read DEVICE	sets NIC[name] to what its file in debugfs says
#	tlsnic_counter_is DEVICE NAME OPERATOR VALUE	for wait_until; as in "-gt 5"
#	tlsnic_stat_read DEVICE		sets TLS_STAT[name] to its namespace's /proc/net/tls_stat
#
# A pair is two connected sockets of one process (tests/helpers/ktls_pair.c): the subject in $NIC_A,
# the peer in $NIC_B. $PAIR names the one that is meant, if there are several (default: pair).
#
#	tlsnic_pair_start [OPTION...]	options of ktls_pair; TLS 1.2, AES-GCM-128, both directions,
#					over IPv4. Sets SUBJECT and PEER to what it says of them
#	tlsnic_pair_prepare [OPTION...]	the same up to the moment before keys are set
#	tlsnic_pair_continue		from there on
#	tlsnic_send N			N records each way, compared byte by byte
#	tlsnic_flow_start		records without end
#	tlsnic_flow_stop		waits until all of them have arrived
#	tlsnic_send_fails N ERRNO	as tlsnic_send, but receiving must fail
#	tlsnic_pair_stop		ends it
#	tlsnic_mode subject|peer	sets MODE to "TX RX" as ss says: hw, sw or none
#	tlsnic_expect SUBJECT PEER	both modes are these

NIC_A=tlsnic-a
NIC_B=tlsnic-b

tlsnic_need() {
	expect_ktls || skip "this kernel has no TLS"
	# only guests get a module, and all of them do
	[[ ${KTLSD_TLSNIC-} || -d /run/vm ]] || skip "no module was built for this kernel"
	: "${KTLSD_TLSNIC:?tests/kmod/build KERNEL}"
}

# Sets NETNS to the name of a device's namespace, NETNS_PROC to what /proc says from there.
tlsnic_netns() { # DEVICE
	case $1 in
	tlsnic0) NETNS=$NIC_A NETNS_PROC=/proc/${TLSNIC_PID0-}/net ;;
	tlsnic1) NETNS=$NIC_B NETNS_PROC=/proc/${TLSNIC_PID1-}/net ;;
	*) echo "no device $1" && return 1 ;;
	esac
}

tlsnic_in() { # DEVICE COMMAND...
	tlsnic_netns "$1"
	nsenter --net="/run/netns/$NETNS" -- "${@:2}"
}

# ---- the devices ----

tlsnic_load() {
	tlsnic_unload
	insmod "$KTLSD_TLSNIC"
	tlsnic_place tlsnic0 1
	tlsnic_place tlsnic1 2
	TLSNIC_PID0=$(spawned "$NIC_A")
	TLSNIC_PID1=$(spawned "$NIC_B")
	export TLSNIC_PID0 TLSNIC_PID1
}

# A process in the namespace lets others read its /proc/net. A link that goes down keeps its addresses.
tlsnic_place() { # DEVICE HOST
	tlsnic_netns "$1"
	ip netns add "$NETNS"
	ip link set "$1" netns "$NETNS"
	# shellcheck disable=SC2016 # for the inner shell
	spawn "$NETNS" nsenter --net="/run/netns/$NETNS" -- sh -c 'cd "/proc/sys/net/ipv6/conf/$1" &&
		echo 1 >keep_addr_on_down && echo 0 >accept_dad && echo READY &&
		exec sleep infinity' _ "$1"
	wait_log "$NETNS" '^READY$'
	ip -n "$NETNS" -batch - <<-END
		addr add 10.77.0.$2/24 dev $1
		addr add fd77::$2/64 dev $1 nodad
		link set $1 up
	END
}

tlsnic_unload() {
	local name
	[[ ! -d /sys/module/tlsnic ]] || rmmod tlsnic
	for name in "$NIC_A" "$NIC_B"; do
		stop "$name"
		[[ ! -e /run/netns/$name ]] || ip netns del "$name"
	done
}

tlsnic_reset() {
	local file name
	for file in "$T"/*.in; do
		name=${file##*/}
		[[ ! -e $file ]] || PAIR=${name%.in} tlsnic_pair_stop
	done
	for file in /sys/module/tlsnic/parameters/*; do
		echo 0 >"$file"
	done
	[[ ! -e $T/tlsnic.changed ]] || tlsnic_reset_devices
}

tlsnic_reset_devices() {
	local device
	for device in tlsnic0 tlsnic1; do
		tlsnic_in "$device" ethtool -K "$device" tls-hw-tx-offload on tls-hw-rx-offload on
		ip -n "$NETNS" link set "$device" up
	done
	rm "$T/tlsnic.changed"
}

tlsnic_set() { # NAME VALUE
	echo "$2" >"/sys/module/tlsnic/parameters/$1"
}

tlsnic_feature() { # DEVICE tx|rx on|off
	: >"$T/tlsnic.changed"
	tlsnic_in "$1" ethtool -K "$1" "tls-hw-$2-offload" "$3"
}

tlsnic_down() { # DEVICE
	: >"$T/tlsnic.changed"
	tlsnic_netns "$1"
	ip -n "$NETNS" link set "$1" down
}

tlsnic_up() { # DEVICE
	tlsnic_netns "$1"
	ip -n "$NETNS" link set "$1" up
}

tlsnic_counters_read() { # DEVICE
	local name value
	declare -gA NIC=()
	while read -r name value; do
		NIC[$name]=$value
	done <"/sys/kernel/debug/tlsnic/$1"
}

tlsnic_counter_is() { # DEVICE NAME OPERATOR VALUE
	tlsnic_counters_read "$1"
	test "${NIC[$2]}" "$3" "$4"
}

tlsnic_stat_read() { # DEVICE
	local name value
	tlsnic_netns "$1"
	declare -gA TLS_STAT=()
	while read -r name value; do
		TLS_STAT[$name]=$value
	done <"$NETNS_PROC/tls_stat"
}

# ---- connections ----

tlsnic_pair_spawn() { # [OPTION...]
	local name=${PAIR-pair} fd
	[[ -e $T/$name.in ]] || mkfifo "$T/$name.in"
	# the process inherits this: what is written to the pipe comes and goes, and it stays
	exec {fd}<>"$T/$name.in"
	SPAWN_INPUT=$T/$name.in spawn "$name" "$HELPERS/ktls_pair" -N "$NIC_A:$NIC_B" -a 10.77.0.2 \
		-V 1.2 -c aes-gcm-128 "$@"
	exec {fd}>&-
}

tlsnic_pair_start() { # [OPTION...]
	tlsnic_pair_spawn "$@"
	tlsnic_answer READY || return 1
	tlsnic_lines "${PAIR-pair}"
}

tlsnic_pair_prepare() { # [OPTION...]
	tlsnic_pair_spawn -w "$@"
	tlsnic_answer CONNECTED
}

tlsnic_pair_continue() {
	tlsnic_tell go
	tlsnic_answer READY || return 1
	tlsnic_lines "${PAIR-pair}"
}

# Sets SUBJECT and PEER, and TOTAL to the number of records sent each way.
tlsnic_lines() { # NAME
	local line
	SUBJECT='' PEER='' TOTAL=0
	while read -r line; do
		case $line in
		socket=subject*) SUBJECT=$line ;;
		socket=peer*) PEER=$line ;;
		sent\ *) TOTAL=${line#sent } ;;
		esac
	done <"$T/$1.log"
	[[ $SUBJECT && $PEER ]]
}

tlsnic_tell() { # LINE
	echo "$1" >"$T/${PAIR-pair}.in"
}

# Waits until the whole of a line is PATTERN, or the pair ends.
tlsnic_answer() { # PATTERN
	local name=${PAIR-pair}
	wait_until 60 tlsnic_has_answered_or_died "$name" "$1"
	tlsnic_has_answered "$name" "$1" && return
	echo "$name never said $1, but:"
	cat "$T/$name.log"
	return 1
}

tlsnic_has_answered() { # NAME PATTERN
	local log
	read -rd '' log <"$T/$1.log"
	[[ $'\n'$log$'\n' =~ $'\n'$2$'\n' ]]
}

tlsnic_has_answered_or_died() { # NAME PATTERN
	tlsnic_has_answered "$@" || ! is_running "$1"
}

tlsnic_send() { # N
	tlsnic_lines "${PAIR-pair}"
	tlsnic_tell "send $1"
	tlsnic_answer "sent $((TOTAL + $1))"
}

tlsnic_send_fails() { # N ERRNO
	tlsnic_tell "send $1"
	tlsnic_answer "failed recv record=[0-9]+ errno=$2"
}

tlsnic_flow_start() {
	tlsnic_tell flow
}

tlsnic_flow_stop() {
	tlsnic_lines "${PAIR-pair}"
	tlsnic_tell stop
	wait_until 60 tlsnic_has_sent_more "$TOTAL" && return
	echo "the flow does not end:"
	cat "$T/${PAIR-pair}.log"
	return 1
}

tlsnic_has_sent_more() { # TOTAL
	tlsnic_lines "${PAIR-pair}"
	((TOTAL > $1))
}

tlsnic_pair_stop() {
	stop "${PAIR-pair}"
}

tlsnic_mode() { # subject|peer
	local line cookie device=tlsnic0
	tlsnic_lines "${PAIR-pair}"
	line=$SUBJECT
	[[ $1 == subject ]] || line=$PEER device=tlsnic1
	[[ $line =~ cookie=([0-9]+) ]] && printf -v cookie %x "${BASH_REMATCH[1]}"
	tlsnic_netns "$device"
	line=$(ss -N "$NETNS" -HOntie)
	[[ $line =~ [^$'\n']*" sk:$cookie "[^$'\n']* ]] || {
		echo "ss has no socket of cookie $cookie"
		return 1
	}
	MODE="none none"
	[[ ! ${BASH_REMATCH[0]} =~ rxconf:\ ([a-z]+)\ txconf:\ ([a-z]+) ]] ||
		MODE="${BASH_REMATCH[2]} ${BASH_REMATCH[1]}"
}

tlsnic_expect() { # SUBJECT_MODES PEER_MODES
	local subject
	tlsnic_mode subject
	subject=$MODE
	tlsnic_mode peer
	[[ $subject == "$1" && $MODE == "$2" ]] && return
	echo "subject is '$subject', not '$1', or peer is '$MODE', not '$2'"
	return 1
}
