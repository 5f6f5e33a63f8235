#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real Prometheus with the rules and dashboards of this tree. A minute of theirs is a second here.

load lib

BODY=1048583
# What cannot be provoked here within seconds, and why.
ALERTS_NOT_HERE="
KtlsdBug               a bug is none that one could provoke
KtlsdWorkerLag         a stopped worker would not answer the scrape either
KtlsdGenericAes        the driver is loaded before the first socket and cannot leave
KtlsdRekeyFailures     this kernel refuses no rekey
KtlsdRekeyUnanswerable this kernel answers them
KtlsdDeviceFeatureOff  no device here has the feature
KtlsdDeviceFallback    likewise
KtlsdDeviceLost        likewise
KtlsdResyncStorm       likewise
KtlsdObserverPrograms  every program can be attached here
KtlsdObserverStale     needs a socket whose lock is held for long
KtlsdObserverDrops     needs more events than a guest can make
"
# Panels of which a query has no data here: no such device, or no pipe in the pool.
PANELS_NOT_HERE="
Devices
Sockets on devices
Offers to devices
Packets past the device
Resynchronisations
Limits in use
"

setup_file() {
	expect_rekey || return 0
	suite_begin
	mkdir "$T/www"
	"$HELPERS/pattern" body down "$BODY" >"$T/www/body"
	chmod 755 "$T/www"
	backend_start "http=tcp:$IP:3000" "echo=tcp:$IP:3001"
	config
	daemon_start
	second_start
	prometheus_start
}

teardown_file() {
	expect_rekey || return 0
	stop second
	umount "$T/second/bpf" || true
	suite_end
}

setup() {
	tell_try
	expect_rekey || skip "runs with the newest kernel of the matrix"
}

teardown() {
	local name
	for name in load scan crowd late; do
		stop "$name"
	done
}

config() { # [LINE]...
	config_begin "workers: 2" "metrics: $IP:9464" "limits: {connections: 20, pipes: 0}" "$@"
	config_listener files 4433 "files:$T/www" "ktls: {tx: on, rx: on}"
	config_listener user 4434 "files:$T/www" "ktls: {tx: off, rx: off}"
	config_listener proxy 4435 "tcp:$IP:3000" "ktls: {tx: on, rx: on}"
	config_listener echo 4436 "tcp:$IP:3001" "ktls: {tx: on, rx: on}"
	config_listener nobody 4437 "tcp:$IP:9" "ktls: {tx: on, rx: on}"
	config_listener spare 4438 "tcp:$IP:3000"
}

# Another one, whose kernel seems to have no TLS.
second_start() {
	sed "s,^runtime-directory: .*,runtime-directory: $T/second,; s,:9464\$,:9465,
		s,address: $IP:44\(3[0-9]\),address: $IP:45\1," "$T/ktlsd.yaml" >"$T/second.yaml"
	spawn second "$HELPERS/deny_ulp" "$KTLSD_BUILD/ktlsd" --config "$T/second.yaml"
	wait_until 90 log_has second 'msg="ready"'
}

# Minutes and hours become seconds; what looks further back sees a minute.
hasten() { # FILE
	sed -E 's/\[(1h|30m)\]/[60s]/g; s/\b([0-9]+)[mh]\b/\1s/g' "$1"
}

prometheus_config() {
	cat <<-END
	global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
	rule_files: [$T/rules.yml, $T/alerts.yml, $T/queries.yml]
	scrape_configs:
	  - job_name: ktlsd
	    static_configs:
	      - targets: ['$IP:9464', '$IP:9465', '$IP:9']
	END
}

# Each query of a dashboard as a rule, so that Prometheus itself asks all of them all the time.
queries_as_rules() {
	printf 'groups:\n  - name: queries\n    interval: 4s\n    rules:\n'
	awk -F'\t' '{ printf "      - record: query:number:%d\n        expr: >-\n          %s\n", NR, $4 }' \
		"$T/queries" | sed 's/\[5m\]/[10s]/g'
}

prometheus_start() {
	local tree=$BATS_TEST_DIRNAME/../.. file
	source "$tree/tests/lib/promql.bash"
	for file in rules alerts; do
		hasten "$tree/dashboards/prometheus/$file.yml" >"$T/$file.yml"
	done
	promql_dashboards "$tree"/dashboards/grafana/*.json >"$T/queries"
	queries_as_rules >"$T/queries.yml"
	prometheus_config >"$T/prometheus.yml"
	promtool check config "$T/prometheus.yml"
	spawn prometheus prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" \
		--web.listen-address="$IP:9090" --log.level=warn
	wait_until 60 prometheus_has 'up{instance=~".*:9464"} == 1'
}

ask() { # QUERY: prints the answer
	curl -fsS --max-time 20 --data-urlencode "query=$1" "http://$IP:9090/api/v1/query"
}

prometheus_has() { # QUERY: it has a result
	[[ $(ask "$1" 2>/dev/null) == *'"result":[{'* ]]
}

# Sets VALUE to the one value of it.
sample() { # QUERY
	VALUE=$(ask "$1")
	[[ $VALUE =~ \"value\":\[[0-9.]+,\"([^\"]+)\"\] ]] || { echo "nothing for $1: $VALUE" && false; }
	VALUE=${BASH_REMATCH[1]}
}

# A sum over ktlsd's own instance; as it is, or as it was before.
total() { # SELECTOR
	sample "sum($1) or vector(0)"
}

remember() { # SELECTOR...
	local selector
	declare -gA BEFORE=()
	for selector; do
		total "$selector"
		BEFORE[$selector]=$VALUE
	done
}

grew_by() { # SELECTOR NUMBER
	total "$1"
	((VALUE - BEFORE[$1] == $2))
}

grew() { # SELECTOR NUMBER
	wait_until 20 grew_by "$@" && return
	echo "$1 grew by $((VALUE - BEFORE[$1])), not $2"
	return 1
}

fetch() { # PORT PATH [CURL_OPTION...]
	curl -sS --max-time 30 --cacert "$T/ca.pem" --resolve "ecdsa.test:$1:$IP" -o "$T/fetched" \
		"${@:3}" "https://ecdsa.test:$1/$2"
}

evil() { # STEP...: towards both record layers, seven at the same time
	local port i
	local -a pids=()
	for port in 4433 4434; do
		for ((i = 0; i < 7; i++)); do
			"$HELPERS/evil" -t 30 "$IP" "$port" "$@" >/dev/null 3>&- &
			pids+=($!)
		done
	done
	wait "${pids[@]}"
}

@test "last sample minus first: what the clients did, and what the kernel counted" {
	local own='instance=~".*:9464"' name i
	local -A before=()
	local -a stat=(TlsTxSw TlsRxSw TlsDecryptError)
	tls_stat_read
	for name in "${stat[@]}"; do
		before[$name]=${TLS_STAT[$name]}
	done
	remember "ktlsd_listener_accepted_total{$own,listener=\"files\"}" \
		"ktlsd_handshakes_total{$own,result=\"ok\",version=\"1.3\"}" \
		"ktlsd_handshakes_total{$own,result=\"ok\",version=\"1.2\"}" \
		"ktlsd_connection_ends_total{$own,reason=\"bad-record-mac\"}" \
		"ktlsd_decrypt_errors_total{$own,mode=\"kernel\"}" "ktlsd_decrypt_errors_total{$own,mode=\"user\"}" \
		"ktlsd_http_responses_total{$own,code=\"2xx\"}" "ktlsd_http_responses_total{$own,code=\"4xx\"}" \
		"ktlsd_moved_bytes_total{$own,method=\"sendfile\"}" \
		"ktlsd_tls_stat_total{$own,name=\"TlsTxSw\"}" "ktlsd_tls_stat_total{$own,name=\"TlsRxSw\"}" \
		"ktlsd_tls_stat_total{$own,name=\"TlsDecryptError\"}"
	for ((i = 0; i < 3; i++)); do
		fetch 4433 body --tlsv1.3
		cmp "$T/fetched" "$T/www/body"
	done
	fetch 4433 body --tlsv1.2 --tls-max 1.2
	fetch 4434 nothing --tlsv1.3
	"$HELPERS/evil" -t 30 "$IP" 4433 handshake patch=-4:00000000 read >/dev/null
	"$HELPERS/evil" -t 30 "$IP" 4434 handshake patch=-4:00000000 read >/dev/null

	grew "ktlsd_listener_accepted_total{$own,listener=\"files\"}" 5
	grew "ktlsd_handshakes_total{$own,result=\"ok\",version=\"1.3\"}" 6
	grew "ktlsd_handshakes_total{$own,result=\"ok\",version=\"1.2\"}" 1
	grew "ktlsd_connection_ends_total{$own,reason=\"bad-record-mac\"}" 2
	grew "ktlsd_decrypt_errors_total{$own,mode=\"kernel\"}" 1
	grew "ktlsd_decrypt_errors_total{$own,mode=\"user\"}" 1
	grew "ktlsd_http_responses_total{$own,code=\"2xx\"}" 4
	grew "ktlsd_http_responses_total{$own,code=\"4xx\"}" 1
	grew "ktlsd_moved_bytes_total{$own,method=\"sendfile\"}" $((4 * BODY))
	tls_stat_read
	for name in "${stat[@]}"; do
		grew "ktlsd_tls_stat_total{$own,name=\"$name\"}" $((TLS_STAT[$name] - before[$name]))
	done
	((TLS_STAT["TlsDecryptError"] > before["TlsDecryptError"]))
}

firing() { # ALERT...: all of them have fired
	local answer name
	answer=$(ask 'count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[10m]))')
	MISSING=
	for name; do
		[[ $answer == *"\"alertname\":\"$name\""* ]] || MISSING+=" $name"
	done
	[[ ! $MISSING ]]
}

fired() { # SECONDS ALERT...
	wait_until "$@" && return
	echo "did not fire:$MISSING"
	return 1
}

server_pid() {
	ctl status --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p'
}

another_server() { # PID
	local pid
	pid=$(server_pid 2>/dev/null)
	[[ $pid && $pid != "$1" ]]
}

@test "every alert fires when its cause is there, and every panel has data" {
	local pid i name number title empty
	local -a wanted
	# clients of all kinds, with scanners among them and a service that is down
	spawn load bash -c 'while :; do
		curl -s -o /dev/null --insecure "https://$1:4435/1000000" "https://$1:4434/body" "https://$1:4533/body"
		curl -s -o /dev/null --insecure "https://$1:4437/"
	done' _ "$IP"
	spawn scan bash -c 'while :; do
		{ echo "GET / HTTP/1.0" >"/dev/tcp/$1/4434"; } 2>/dev/null
		sleep 0.1
	done' _ "$IP"
	ctl drain spare --timeout 1s >/dev/null
	sed -i 's/^workers: .*/workers: many/' "$T/ktlsd.yaml"
	run ! ctl reload
	evil handshake patch=-4:00000000 read
	evil handshake patch=1:0505 read
	"$HELPERS/evil" -t 30 "$IP" 4436 handshake data=100 update=1 data=100 read=200 record=21:0100 read >"$T/update"
	fired 60 firing KtlsdDown KtlsdKernelUnavailable KtlsdKernelFallback KtlsdDecryptErrors \
		KtlsdHostDecryptErrors KtlsdFramingErrors KtlsdHandshakeFailures KtlsdPipePoolEmpty \
		KtlsdBackendFailures KtlsdReloadFailed KtlsdListenerDrained
	stop scan
	stop load

	# more than the limit, and they come again
	spawn crowd "$HELPERS/stall" "$IP" 4436 30 0
	wait_log crowd '^READY '
	spawn scan bash -c 'while :; do
		{ echo >"/dev/tcp/$1/4434"; } 2>/dev/null
		sleep 0.1
	done' _ "$IP"
	fired 40 firing KtlsdConnectionsRefused KtlsdLimitNear
	stop crowd
	config "reloads: no" && sed -i '/^reloads:/d' "$T/ktlsd.yaml"
	ctl reload
	stop scan

	# no descriptor left
	pid=$(server_pid)
	prlimit --pid "$pid" --nofile=$(($(find "/proc/$pid/fd" -mindepth 1 | wc -l) + 2)):
	spawn crowd "$HELPERS/stall" -h "$IP" 4436 8 0
	fired 40 firing KtlsdOutOfResources KtlsdFileDescriptors KtlsdAcceptQueue
	stop crowd

	# a server that dies
	for ((i = 0; i < 3; i++)); do
		pid=$(server_pid)
		kill -KILL "$pid"
		wait_until 60 another_server "$pid"
		wait_until 20 prometheus_has "changes(process_start_time_seconds{instance=\"$IP:9464\"}[60s]) >= $((i + 1))"
	done
	ctl observe --unload
	fired 60 firing KtlsdRestarting KtlsdObserverDown

	mapfile -t wanted < <(sed -n 's/.*- alert: //p' "$T/alerts.yml")
	firing "${wanted[@]}" || true
	for name in $MISSING; do
		grep -q "^$name " <<<"$ALERTS_NOT_HERE" || { echo "$name has not fired" && false; }
	done
	# and the queries of dashboards and rules: none is wrong, each had something
	curl -fsS "http://$IP:9090/api/v1/rules" >"$T/rules.json"
	jq -e '[.data.groups[].rules[] | select(.health != "ok") | .name + ": " + .lastError] | . == [] or (debug | false)' \
		"$T/rules.json" >/dev/null
	empty=$(ask 'count by (__name__) (last_over_time({__name__=~"query:number:.*|instance.*:ktlsd_.*"}[10m]))')
	number=0
	while IFS=$'\t' read -r title _; do
		number=$((number + 1))
		[[ $empty == *"\"query:number:$number\""* ]] ||
			grep -qxF "${title##*.json: }" <<<"$PANELS_NOT_HERE" ||
			{ echo "no data: $title" && sed -n "${number}p" "$T/queries" && false; }
	done <"$T/queries"
	while read -r name; do
		[[ $empty == *"\"$name\""* || $name == *resyncs* ]] || { echo "no data: $name" && false; }
	done < <(sed -n 's/.*- record: //p' "$T/rules.yml")
}
