#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real Prometheus scrapes ktlsd while it is used, and while what its alerts are about is done to it:
# figures are what happened, every alert fires, every query of rules and dashboards has data.
#
# Three run: one that serves; another that seems to be without kernel TLS and may not attach programs;
# and an observer beside the software offload NIC. On older kernels there is the first alone, for what
# the newest one does not do.

load lib
load tlsnic
load prometheus

BODY=1048583
OWN='job="ktlsd",instance=~".*:9464"'

setup_file() {
	local -a jobs
	expect_ktls && [[ ${KTLSD_TLSNIC-} ]] || return 0
	suite_begin
	mkdir "$T/www"
	"$HELPERS/pattern" body down "$BODY" >"$T/www/body"
	chmod 755 "$T/www"
	jobs=("ktlsd=4=$IP:9464,$IP:9465,$IP:9")
	backend_start "http=tcp:$IP:3000" "echo=tcp:$IP:3001"
	certificate late.test -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 1
	config
	daemon_start
	if expect_rekey; then
		second_start
		nic_start
		jobs+=("nic=4=10.79.0.2:9466")
	fi
	prometheus_start "${jobs[@]}"
}

teardown_file() {
	expect_ktls && [[ ${KTLSD_TLSNIC-} ]] || return 0
	stop nic
	stop second
	umount "$T/second/bpf" "$T/nic/bpf" 2>/dev/null || true
	suite_end
	tlsnic_unload
}

setup() {
	tell_try
	tlsnic_need
	case $BATS_TEST_DESCRIPTION in
	*"cannot replace keys"*) ! expect_rekey || skip "this kernel can" ;;
	*) expect_rekey || skip "this kernel is not the newest, on which this is tested" ;;
	esac
}

teardown() {
	local name
	for name in load scan crowd client delay; do
		stop "$name"
	done
	[[ ! ${T-} ]] || ! expect_rekey || tlsnic_reset
}

config() {
	config_begin "workers: 2" "metrics: $IP:9464" "limits: {connections: 20, pipes: 0}"
	config_listener files 4433 "files:$T/www" "ktls: {tx: on, rx: on}"
	config_listener user 4434 "files:$T/www" "ktls: {tx: off, rx: off}"
	config_listener proxy 4435 "tcp:$IP:3000" "ktls: {tx: on, rx: on}"
	config_listener echo 4436 "tcp:$IP:3001" "ktls: {tx: on, rx: on}"
	config_listener nobody 4437 "tcp:$IP:9" "ktls: {tx: on, rx: on}"
	config_listener spare 4438 "tcp:$IP:3000"
	echo '      - {chain: late.test.pem, key: late.test.key}' >>"$T/ktlsd.yaml"
}

second_start() {
	mkdir -p "$T/second/bpf"
	mount -t bpf none "$T/second/bpf"
	sed "s,^runtime-directory: .*,runtime-directory: $T/second,; s,:9464\$,:9465,; s,^limits: .*,,
		s,address: $IP:44\(3[0-9]\),address: $IP:45\1," "$T/ktlsd.yaml" >"$T/second.yaml"
	spawn second setpriv --bounding-set=-sys_admin "$HELPERS/deny_ulp" \
		"$KTLSD_BUILD/ktlsd" --config "$T/second.yaml"
	wait_log second 'msg="ready"' 90
}

# The observer sees the namespace it is in, and Prometheus has a way there.
nic_start() {
	tlsnic_load
	ip link add nic-way type veth peer name nic-way netns "$NIC_A"
	ip addr add 10.79.0.1/24 dev nic-way
	ip link set nic-way up
	ip -n "$NIC_A" addr add 10.79.0.2/24 dev nic-way
	ip -n "$NIC_A" link set nic-way up
	printf '%s\n' "user: nobody" "runtime-directory: $T/nic" "metrics: 10.79.0.2:9466" >"$T/nic.yaml"
	spawn nic nsenter --net="/run/netns/$NIC_A" -- "$KTLSD_BUILD/ktlsd" --config "$T/nic.yaml"
	wait_log nic 'msg="programs watch' 90
}

fetch() { # PORT PATH [CURL_OPTION...]
	local sizes
	sizes=$(curl -sS --max-time 30 --cacert "$T/ca.pem" --resolve "ecdsa.test:$1:$IP" -o "$T/fetched" \
		-w '%{size_header} %{size_download} %{size_request}' "${@:3}" "https://ecdsa.test:$1/$2")
	# shellcheck disable=SC2086 # three words
	set -- "$1" $sizes
	((SENT[$1] += $2 + $3, RECEIVED[$1] += $4))
}

evil() { # PORT STEP...
	"$HELPERS/evil" -t 30 "$IP" "$@" >/dev/null 3>&-
}

evil_crowd() { # STEP...: towards both record layers, seven at the same time
	local port i
	local -a pids=()
	for port in 4433 4434; do
		for ((i = 0; i < 7; i++)); do
			evil "$port" "$@" &
			pids+=($!)
		done
	done
	wait "${pids[@]}"
}

# Clients that connect and say something or nothing, three a second.
scan_start() { # [TEXT]
	# shellcheck disable=SC2016 # for that shell
	spawn scan bash -c 'exec {nothing}<> <(:)
	while :; do
		{ echo "$2" >"/dev/tcp/$1/4434"; } 2>/dev/null
		read -rt 0.3 -u "$nothing"
	done' _ "$IP" "${1-}"
}

server_pid() {
	ctl status --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p'
}

# Does that to system calls of the server's threads but the first.
workers_inject() { # SERVER_PID CALLS EFFECT
	local thread
	local -a threads=()
	for thread in "/proc/$1"/task/*; do
		[[ ${thread##*/} == "$1" ]] || threads+=(-p "${thread##*/}")
	done
	spawn delay strace -e trace="$2" -e inject="$2:$3" "${threads[@]}"
	wait_log delay 'attached'
}

# ---- what happened ----

# Sets WRONG to what has not grown by what it should, of the test below.
have_grown() {
	local selector by
	WRONG=()
	prometheus_totals "${!want[@]}"
	for selector in "${!want[@]}"; do
		# not by name in (( )), which would expand what is in the brackets once more
		by=$((${TOTAL[$selector]} - ${first[$selector]}))
		[[ $by == "${want[$selector]}" ]] || WRONG+=("$selector grew by $by, not ${want[$selector]}")
	done
	((${#WRONG[@]} == 0))
}

@test "last sample minus first: what the clients did, and what the kernel counted" {
	local name i selector
	local -A before=() want=() first=()
	local -a SENT=() RECEIVED=()
	want=(
		["ktlsd_connections_accepted_total{$OWN}"]=7
		["ktlsd_listener_accepted_total{$OWN,listener=\"files\"}"]=5
		["ktlsd_handshakes_total{$OWN,result=\"ok\",version=\"1.3\"}"]=6
		["ktlsd_handshakes_total{$OWN,result=\"ok\",version=\"1.2\"}"]=1
		["ktlsd_handshake_duration_seconds_count{$OWN}"]=7
		["ktlsd_kernel_installs_total{$OWN,direction=\"tx\"}"]=5
		["ktlsd_kernel_installs_total{$OWN,direction=\"rx\"}"]=5
		["ktlsd_fallbacks_total{$OWN,direction=\"tx\",reason=\"policy-off\"}"]=2
		["ktlsd_kernel_events_total{$OWN,event=\"keys\",direction=\"tx\",result=\"ok\"}"]=5
		["ktlsd_kernel_events_total{$OWN,event=\"keys\",direction=\"rx\",result=\"ok\"}"]=5
		["ktlsd_kernel_events_total{$OWN,event=\"error\",direction=\"rx\"}"]=1
		["ktlsd_connection_ends_total{$OWN}"]=7
		["ktlsd_connection_ends_total{$OWN,reason=\"bad-record-mac\"}"]=2
		["ktlsd_decrypt_errors_total{$OWN,mode=\"kernel\"}"]=1
		["ktlsd_decrypt_errors_total{$OWN,mode=\"user\"}"]=1
		["ktlsd_http_responses_total{$OWN,code=\"2xx\"}"]=4
		["ktlsd_http_responses_total{$OWN,code=\"4xx\"}"]=1
		["ktlsd_moved_bytes_total{$OWN,method=\"sendfile\"}"]=$((4 * BODY))
	)
	for name in kernel user; do
		want["ktlsd_payload_bytes_total{$OWN,direction=\"tx\",mode=\"$name\"}"]=0
		want["ktlsd_payload_bytes_total{$OWN,direction=\"rx\",mode=\"$name\"}"]=0
	done
	tls_stat_read
	for name in "${!TLS_STAT[@]}"; do
		before[$name]=${TLS_STAT[$name]}
		[[ $name == TlsCurr* ]] || want["ktlsd_tls_stat_total{$OWN,name=\"$name\"}"]=0
	done
	prometheus_totals "${!want[@]}"
	for selector in "${!want[@]}"; do
		first[$selector]=${TOTAL[$selector]}
	done

	for ((i = 0; i < 3; i++)); do
		fetch 4433 body --tlsv1.3
		cmp "$T/fetched" "$T/www/body"
	done
	fetch 4433 body --tlsv1.2 --tls-max 1.2
	fetch 4434 nothing --tlsv1.3
	evil 4433 handshake patch=-4:00000000 read
	evil 4434 handshake patch=-4:00000000 read

	want["ktlsd_payload_bytes_total{$OWN,direction=\"tx\",mode=\"kernel\"}"]=${SENT[4433]}
	want["ktlsd_payload_bytes_total{$OWN,direction=\"rx\",mode=\"kernel\"}"]=${RECEIVED[4433]}
	want["ktlsd_payload_bytes_total{$OWN,direction=\"tx\",mode=\"user\"}"]=${SENT[4434]}
	want["ktlsd_payload_bytes_total{$OWN,direction=\"rx\",mode=\"user\"}"]=${RECEIVED[4434]}
	tls_stat_read
	for name in "${!before[@]}"; do
		selector="ktlsd_tls_stat_total{$OWN,name=\"$name\"}"
		[[ $name == TlsCurr* ]] || want[$selector]=$((${TLS_STAT[$name]} - ${before[$name]}))
	done
	name=TlsDecryptError
	((${TLS_STAT[$name]} > ${before[$name]}))
	wait_until 30 have_grown || { printf '%s\n' "${WRONG[@]}" && false; }
}

# ---- alerts ----

@test "alerts: clients that do wrong, services that are down, a host without kernel TLS" {
	# shellcheck disable=SC2016 # for that shell
	spawn load bash -c 'exec {nothing}<> <(:)
	while :; do
		read -rt 0.5 -u "$nothing"
		curl -s -o /dev/null --insecure "https://$1:4435/1000000" "https://$1:4434/body" "https://$1:4533/body"
		curl -s -o /dev/null --insecure "https://$1:4437/"
	done' _ "$IP"
	scan_start "GET / HTTP/1.0"
	ctl drain spare --timeout 1s >/dev/null
	sed -i 's/^workers: .*/workers: many/' "$T/ktlsd.yaml"
	run ! ctl reload
	evil_crowd handshake patch=-4:00000000 read
	evil_crowd handshake patch=1:0505 read
	evil 4436 handshake data=100 update=1 data=100 read=200 record=21:0100 read
	prometheus_fired 60 KtlsdDown KtlsdKernelUnavailable KtlsdKernelFallback KtlsdDecryptErrors \
		KtlsdHostDecryptErrors KtlsdFramingErrors KtlsdHandshakeFailures KtlsdPipePoolEmpty \
		KtlsdBackendFailures KtlsdReloadFailed KtlsdListenerDrained KtlsdObserverPrograms \
		KtlsdCertificateExpires KtlsdCertificateExpired
	config
	ctl reload
}

@test "alerts: more clients than the limit" {
	spawn crowd "$HELPERS/stall" "$IP" 4436 30 0
	wait_log crowd '^READY '
	scan_start
	prometheus_fired 40 KtlsdConnectionsRefused KtlsdLimitNear
}

@test "alerts: no descriptor is left" {
	local pid n=0 status=0
	pid=$(server_pid)
	# the limit is of their numbers
	while [[ -e /proc/$pid/fd/$n ]]; do n=$((n + 1)); done
	prlimit --pid "$pid" --nofile=$((n + 3)):
	prometheus_fired 40 KtlsdFileDescriptors || status=1
	# who scrapes needs one too, so not for long
	spawn crowd "$HELPERS/stall" -h "$IP" 4436 8 0
	wait_log ktlsd 'reason=no-fds' || status=1
	stop crowd
	prometheus_fired 40 KtlsdOutOfResources KtlsdAcceptQueue || status=1
	prlimit --pid "$pid" --nofile=4096:
	((status == 0))
}

@test "alerts: workers that are late" {
	workers_inject "$(server_pid)" epoll_wait delay_exit=300000
	prometheus_fired 60 KtlsdWorkerLag
}

@test "alerts: keys that cannot be replaced where the kernel could" {
	mkfifo "$T/client.in"
	# shellcheck disable=SC2034 # it only has to be open
	exec {CLIENT_FD}<>"$T/client.in"
	SPAWN_INPUT=$T/client.in spawn client "$HELPERS/evil" -t 30 "$IP" 4436 handshake data=100 read=100 \
		ready line update=0 read
	wait_log client '^READY$'
	workers_inject "$(server_pid)" setsockopt error=ENOMEM
	echo >"$T/client.in"
	prometheus_fired 40 KtlsdBug KtlsdRekeyFailures
}

@test "alerts: a kernel that encrypts by generic C" {
	wait_until 20 modprobe -q -r aesni_intel
	ctl probe --fresh >/dev/null || true
	modprobe aesni_intel
	prometheus_fired 40 KtlsdGenericAes
	ctl probe --fresh >/dev/null || true
}

resyncs_make() { # PAIR...
	local pair
	for pair; do
		PAIR=$pair tlsnic_pair_start -d tx
		PAIR=$pair tlsnic_flow_start
	done
}

@test "alerts: a network device that refuses, loses step, is half configured, goes down" {
	tlsnic_set add_error_tx 12
	PAIR=refused tlsnic_pair_start
	tlsnic_set add_error_tx 0
	tlsnic_set tx_resync_every 1
	resyncs_make one two
	prometheus_fired 60 KtlsdDeviceFallback KtlsdResyncStorm
	tlsnic_set tx_resync_every 0
	tlsnic_down tlsnic0
	prometheus_fired 40 KtlsdDeviceLost
	tlsnic_up tlsnic0
	# without checksums the kernel takes TLS away
	tlsnic_in tlsnic0 ethtool -K tlsnic0 tx-checksum-ip-generic off
	prometheus_fired 40 KtlsdDeviceFeatureOff
	tlsnic_in tlsnic0 ethtool -K tlsnic0 tx-checksum-ip-generic on
}

@test "alerts: a socket whose lock is held" {
	local status=0
	modprobe -r ccm
	# for the cipher's module the kernel waits, inside setsockopt
	mkfifo "$T/modprobe.in"
	printf '#!/bin/sh\nexec <%s\n' "$T/modprobe.in" >"$T/modprobe"
	chmod 755 "$T/modprobe"
	echo "$T/modprobe" >/proc/sys/kernel/modprobe
	tlsnic_pair_spawn -c aes-ccm-128
	prometheus_fired 40 KtlsdObserverStale || status=1
	echo /sbin/modprobe >/proc/sys/kernel/modprobe
	exec {fd}<>"$T/modprobe.in" {fd}>&-
	modprobe ccm
	((status == 0))
}

@test "alerts: more events than are read" {
	local pid
	local -a steps
	# keys that are there already: an event each, and 6,241 have room
	mapfile -t steps < <(yes keys-tx | head -n 8000)
	pid=$(pgrep -P "$(spawned nic)")
	kill -STOP "$pid"
	"$HELPERS/ktls_trouble" connect ulp "${steps[@]}" >"$T/steps"
	kill -CONT "$pid"
	prometheus_fired 40 KtlsdObserverDrops
}

another_server() { # PID
	local pid
	pid=$(server_pid 2>/dev/null)
	[[ $pid && $pid != "$1" ]]
}

@test "alerts: a server that dies, and programs that were unloaded" {
	local pid i
	for ((i = 0; i < 3; i++)); do
		pid=$(server_pid)
		kill -KILL "$pid"
		wait_until 60 another_server "$pid"
		wait_until 20 prometheus_has "changes(process_start_time_seconds{$OWN}[60s]) >= $((i + 1))"
	done
	ctl observe --unload
	prometheus_fired 60 KtlsdRestarting KtlsdObserverDown
}

@test "alerts: clients that replace keys, where the kernel cannot replace keys" {
	local i
	for ((i = 0; i < 4; i++)); do
		evil 4436 handshake data=100 read=100 update=0 read
		wait_until 20 prometheus_has "ktlsd_connection_ends_total{$OWN,reason=\"rekey-unanswerable\"} == $((i + 1))"
	done
	prometheus_fired 40 KtlsdRekeyUnanswerable KtlsdRekeyFailures
}

# ---- everything ----

@test "the whole table of metrics was there, and promtool finds nothing wrong" {
	local answer kind name type address n=0
	answer=$(prometheus_ask 'count by (__name__) (last_over_time({__name__=~"(ktlsd|process)_.+"}[15m]))')
	while IFS=$'\37' read -r kind name type _; do
		[[ $kind == metric ]] || continue
		n=$((n + 1))
		[[ $type != HISTOGRAM ]] || name+=_bucket
		[[ $answer == *"\"__name__\":\"$name\""* ]] || { echo "no $name" && false; }
	done < <("$PROMETHEUS_TREE/docs/generate" --dump-metrics | tr '\t' '\37')
	((n > 60))
	for address in "$IP:9464" "$IP:9465" 10.79.0.2:9466; do
		curl -fsS --max-time 20 "http://$address/metrics" | promtool check metrics
	done
}

# Older kernels have fired it, see above.
ALERT_NOT_HERE=KtlsdRekeyUnanswerable

@test "every alert has fired, every query of rules and dashboards was right and had data" {
	local -a wanted
	mapfile -t wanted < <(sed -n 's/.*- alert: //p' "$T/alerts.yml")
	((${#wanted[@]} > 25))
	prometheus_have_fired "${wanted[@]}" || true
	[[ $MISSING == " $ALERT_NOT_HERE" ]] || { echo "have not fired:$MISSING" && false; }

	curl -fsS "http://$IP:9090/api/v1/rules" >"$T/rules.json"
	[[ $(jq -r '.data.groups[].rules[] | select(.health != "ok") | .name + ": " + .lastError' \
		"$T/rules.json" | tee "$T/wrong") == '' ]] || { cat "$T/wrong" && false; }
	{
		promql_rules "$T/rules.yml" # an alert that has fired had data
		promql_dashboards "$PROMETHEUS_TREE"/dashboards/grafana/*.json
	} >"$T/queries"
	(($(wc -l <"$T/queries") > 100))
	prometheus_queries "$T/queries" >"$T/empty"
	[[ ! -s $T/empty ]] || { cat "$T/empty" && false; }
}
