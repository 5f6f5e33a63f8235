#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What Prometheus is told: the format, that the figures are true, and that nobody who asks, however
# often or slowly, is in the way of those who are served.

load lib

BODY=100001
# How late a worker may be while others scrape.
LAG_MAX_US=10000

setup_file() {
	suite_begin
	mkdir "$T/www"
	"$HELPERS/pattern" body down "$BODY" >"$T/www/body"
	chmod 755 "$T/www"
	# the table of metrics: a line a family or label
	"$BATS_TEST_DIRNAME/../../docs/generate" --dump-metrics >"$T/table"
	backend_start "http=tcp:$IP:3000"
	config
	daemon_start
}

teardown_file() {
	suite_end
}

teardown() {
	stop client
	stop pair
	stop slow
	stop fifty
	stop occupant
	[[ ${BATS_TEST_COMPLETED-} ]] || { stop ktlsd && config && daemon_start; }
}

config() { # [METRICS]
	config_begin "workers: 2" "metrics: ${1-$IP:9464}"
	config_listener user 4433 "files:$T/www" "ktls: {tx: off, rx: off}"
	config_listener kernel 4434 "files:$T/www" "ktls: {tx: on, rx: on}"
	config_listener proxy 4435 "tcp:$IP:3000"
}

get() { # PATH [CURL_OPTION]...
	curl -sS --max-time 30 "${@:2}" "http://$IP:9464$1"
}

# Scrapes that come together share a text, which may be older than what the test has done.
metrics_are_new() {
	get /metrics -f -o "$T/metrics"
	! cmp -s "$T/metrics" "$T/metrics-shared"
}

# Sets VALUE[series] to every sample, as things are now.
scrape() {
	local line
	declare -gA VALUE=()
	get /metrics -f -o "$T/metrics-shared"
	wait_until 10 metrics_are_new
	while read -r line; do
		[[ $line == '#'* ]] || VALUE[${line% *}]=${line##* }
	done <"$T/metrics"
}

# Keeps what the last scrape said for grew().
remember() {
	local series
	scrape
	declare -gA BEFORE=()
	for series in "${!VALUE[@]}"; do
		BEFORE[$series]=${VALUE[$series]}
	done
}

grew() { # SERIES NUMBER
	local by=$((${VALUE[$1]?no $1} - ${BEFORE[$1]-0}))
	((by == $2)) || echo "$1 grew by $by, not $2"
	((by == $2))
}

is() { # SERIES NUMBER
	[[ ${VALUE[$1]-absent} == "$2" ]] || echo "$1 is ${VALUE[$1]-absent}, not $2"
	[[ ${VALUE[$1]-absent} == "$2" ]]
}

# The same, tried again until it is so; for wait_until.
becomes() { # SERIES NUMBER
	scrape
	is "$@" >/dev/null
}

# Fetches a path of a listener that serves files, and adds what went over it to SENT and RECEIVED.
fetch() { # PORT PATH VERSION
	local sizes
	sizes=$(curl -sS --max-time 30 --cacert "$T/ca.pem" --resolve "ecdsa.test:$1:$IP" "--tlsv$3" \
		--tls-max "$3" -o "$T/fetched" -w '%{size_header} %{size_download} %{size_request}' \
		"https://ecdsa.test:$1/$2")
	# shellcheck disable=SC2086 # three words
	set -- $sizes
	((SENT += $1 + $2, RECEIVED += $3))
}

# ---- the format ----

# The table's families that the last scrape lacks.
families_absent() {
	awk 'NR == FNR { if ($1 == "#" && $2 == "TYPE") there[$3]; next }
		$1 == "metric" && !($2 in there) { print $2 }' "$T/metrics" FS='\t' "$T/table"
}

@test "promtool finds nothing wrong, and every family of the table is there" {
	local name source
	local -a missing
	scrape
	promtool check metrics <"$T/metrics"
	mapfile -t missing < <(families_absent)
	echo "absent: ${missing[*]}"
	# what is absent says so, in a source or as nothing to tell of
	for name in "${missing[@]}"; do
		case $name in
		ktlsd_tls_stat_*) source=tls_stat ;;
		ktlsd_observer_programs | ktlsd_observer_lost_* | ktlsd_observer_start_*) source=programs ;;
		ktlsd_observer_*) source=observer ;;
		ktlsd_kernel_events_total | ktlsd_device_* | ktlsd_fallback_connections) continue ;;
		*) false ;;
		esac
		[[ ${VALUE[ktlsd_source_up\{source=\"$source\"\}]-0} == 0 ]]
	done
	! expect_ktls || is 'ktlsd_source_up{source="observer"}' 1
	! expect_ktls || is 'ktlsd_source_up{source="tls_stat"}' 1
	is 'ktlsd_source_up{source="workers"}' 1
	is 'ktlsd_source_up{source="process"}' 1
	is 'ktlsd_source_up{source="accept_queue"}' 1
	(($(stat -c %s "$T/metrics") < 1048576))
}

@test "certificates: their ends, as openssl reads them" {
	local name end
	scrape
	for name in ecdsa.test rsa.test; do
		end=$(openssl x509 -noout -enddate -in "$T/$name.pem")
		is "ktlsd_certificate_not_after_timestamp_seconds{listener=\"proxy\",certificate=\"$T/$name.pem\"}" \
			"$(date -d "${end#*=}" +%s)"
	done
}

@test "no sample has a label or a closed value that the table lacks" {
	scrape
	awk '
		function wrong(what) {
			print name ": " what
			exit bad = 1
		}
		# at the end of "name{label="value",..." of which the name is taken off
		function check_labels(series,    label, value) {
			while (match(series, /^[a-z_]+="([^"\\]|\\.)*",?/)) {
				label = value = substr(series, 1, RLENGTH)
				sub(/=.*/, "", label)
				sub(/^[a-z_]+="/, "", value)
				sub(/",?$/, "", value)
				series = substr(series, RLENGTH + 1)
				if (label != "le" && !index(labels[name], "," label ","))
					wrong("has no label " label)
				if (label in closed && name != "ktlsd_build_info" &&
					!index(closed[label], "," value ","))
					wrong("no " label " is " value)
			}
			if (series != "}")
				wrong("what is this: " series)
		}
		NR == FNR {
			if ($1 == "metric")
				labels[$2] = "," $5 ","
			else if ($1 == "label" && $3 != "")
				closed[$2] = "," $3 ","
			next
		}
		/^#/ { next }
		{
			n++
			sub(/ [^ ]*$/, "")
			brace = index($0, "{")
			name = brace ? substr($0, 1, brace - 1) : $0
			if (!(name in labels))
				sub(/(_bucket|_sum|_count)$/, "", name)
			if (!(name in labels))
				wrong("is no family")
			if (brace)
				check_labels(substr($0, brace + 1))
		}
		END {
			print n " samples"
			exit bad || n < 100
		}' FS='\t' "$T/table" "$T/metrics"
}

@test "OpenMetrics for who asks for it" {
	local accept='application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
	run get /metrics -D - -o "$T/open" -H "Accept: $accept"
	[[ $output == *"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"* ]]
	[[ $(tail -n 1 "$T/open") == "# EOF" ]]
	grep -qx '# TYPE ktlsd_build info' "$T/open"
	grep -qx '# TYPE ktlsd_connections_accepted counter' "$T/open"
	run get /metrics -D - -o "$T/text" -H 'Accept: text/plain'
	[[ $output == *"Content-Type: text/plain; version=0.0.4; charset=utf-8"* ]]
	# the same series, whatever the words around them
	diff <(sed '/^#/d; s/ [^ ]*$//' "$T/open") <(sed '/^#/d; s/ [^ ]*$//' "$T/text")
}

# ---- the figures ----

@test "what was asked for is what is counted" {
	local i SENT=0 RECEIVED=0 mode=user
	remember
	for i in 1 2 3; do
		fetch 4433 body 1.3
		fetch 4433 body 1.2
	done
	fetch 4433 missing 1.3
	wait_until 20 becomes 'ktlsd_listener_connections{listener="user"}' 0
	grew 'ktlsd_connections_accepted_total' 7
	grew 'ktlsd_listener_accepted_total{listener="user"}' 7
	grew 'ktlsd_connection_ends_total{reason="closed",class="ok"}' 7
	grew 'ktlsd_handshake_duration_seconds_count{version="1.3",resumed="no"}' 4
	grew 'ktlsd_handshake_duration_seconds_count{version="1.2",resumed="no"}' 3
	grew 'ktlsd_handshake_duration_seconds_bucket{version="1.2",resumed="no",le="+Inf"}' 3
	grew 'ktlsd_http_responses_total{code="2xx"}' 6
	grew 'ktlsd_http_responses_total{code="4xx"}' 1
	grew 'ktlsd_payload_bytes_total{direction="tx",mode="user"}' "$SENT"
	grew 'ktlsd_payload_bytes_total{direction="rx",mode="user"}' "$RECEIVED"
	grew 'ktlsd_fallbacks_total{level="kernel",direction="tx",reason="policy-off",class="ok"}' 7
	# a request and a close_notify each
	grew 'ktlsd_records_total{direction="rx",mode="user"}' 14

	expect_ktls || return 0
	mode=kernel SENT=0 RECEIVED=0
	remember
	tls_stat_read
	i=${TLS_STAT[TlsTxSw]}
	fetch 4434 body 1.3
	fetch 4434 body 1.2
	wait_until 20 becomes 'ktlsd_listener_connections{listener="kernel"}' 0
	grew 'ktlsd_payload_bytes_total{direction="tx",mode="kernel"}' "$SENT"
	grew 'ktlsd_payload_bytes_total{direction="rx",mode="kernel"}' "$RECEIVED"
	grew 'ktlsd_moved_bytes_total{method="sendfile"}' $((2 * BODY))
	grew 'ktlsd_kernel_installs_total{direction="tx"}' 2
	tls_stat_read
	((TLS_STAT[TlsTxSw] == i + 2))
	is 'ktlsd_tls_stat_total{name="TlsTxSw"}' "${TLS_STAT[TlsTxSw]}"
	is 'ktlsd_tls_stat_current{name="TlsCurrTxSw"}' "${TLS_STAT[TlsCurrTxSw]}"
}

@test "every counter of tls_stat is told as the kernel tells it" {
	local name family
	expect_ktls || skip "this kernel has no tls_stat"
	wait_until 20 tls_stat_is_idle
	scrape
	tls_stat_read
	((${#TLS_STAT[@]} > 8))
	for name in "${!TLS_STAT[@]}"; do
		family=total
		[[ $name != TlsCurr* ]] || family=current
		is "ktlsd_tls_stat_$family{name=\"$name\"}" "${TLS_STAT[$name]}"
	done
}

@test "connections that are open, and whose they are" {
	local own='ktlsd_connections{owner="ktlsd",direction="tx"' mode=user
	local suite='version="1.3",cipher="aes-gcm-128",state="open"}'
	expect_ktls && mode=kernel
	# they live as long as this may say something
	rm -f "$T/input"
	mkfifo "$T/input"
	exec {input}<>"$T/input"
	SPAWN_INPUT=$T/input spawn client openssl s_client -quiet -connect "$IP:4434" -tls1_3 \
		-ciphersuites TLS_AES_128_GCM_SHA256
	wait_until 20 becomes "$own,mode=\"$mode\",$suite" 1
	is 'ktlsd_listener_connections{listener="kernel"}' 1
	is 'ktlsd_connections{owner="ktlsd",direction="tx",mode="none",version="none",cipher="none",state="accepted"}' 0
	if expect_ktls; then
		is 'ktlsd_listener_kernel_connections{listener="kernel",direction="tx"}' 1
		is "${own/ktlsd\"/other\"},mode=\"kernel\",$suite" 0
		SPAWN_INPUT=$T/input spawn pair "$HELPERS/ktls_pair"
		wait_log pair READY
		# both ends of it are sockets of this host
		wait_until 20 becomes 'ktlsd_observer_sockets' 3
		is "$own,mode=\"kernel\",$suite" 1
		stop pair
	else
		is 'ktlsd_fallback_connections{owner="ktlsd",level="kernel",direction="tx",reason="ktls-no-ulp",class="host"}' 1
	fi
	stop client
	exec {input}>&-
	wait_until 20 becomes "$own,mode=\"$mode\",$suite" 0
	is 'ktlsd_listener_connections{listener="kernel"}' 0
}

@test "refused handshakes, limits and failures have their series" {
	local failed fd
	remember
	exec {fd}<>"/dev/tcp/$IP/4433"
	# one line: bash writes each by itself, and the answer to the first is a reset
	printf 'GET / HTTP/1.0\r\n' >&"$fd"
	failed='ktlsd_handshakes_total{result="failed",version="none",resumed="none",group="none"}'
	wait_until 20 becomes "$failed" $((BEFORE[$failed] + 1))
	exec {fd}>&-
	grew 'ktlsd_handshakes_total{result="failed",version="none",resumed="none",group="none"}' 1
	grew 'ktlsd_connection_ends_total{reason="not-tls",class="peer"}' 1
	is 'ktlsd_limit{limit="connections"}' 100000
	[[ ! ${VALUE[ktlsd_limit\{limit=\"handshake-rate\"\}]+there} ]]
}

# Writes how many rows the totals had no room for: the row of bpf/event.h's KTLS_OBSERVER_TOTALS_FULL.
totals_full() { # COUNT
	# shellcheck disable=SC2046 # words
	bpftool map update pinned "$T/run/bpf/map_totals" key 13 255 0 0 0 0 0 0 \
		value "$1" $(printf '0 %.0s' {1..23})
}

@test "where totals were lost, no sum of them is told" {
	scrape
	[[ ${VALUE['ktlsd_records_total{direction="tx",mode="kernel"}']+there} ]] || ! expect_ktls
	[[ ${VALUE['ktlsd_records_total{direction="tx",mode="kernel"}']+there} ]] ||
		skip "nothing counts the kernel's records here"
	totals_full 1
	wait_until 20 becomes 'ktlsd_observer_lost_total{what="totals"}' 1
	[[ ! ${VALUE['ktlsd_records_total{direction="tx",mode="kernel"}']+there} ]]
	[[ ${VALUE['ktlsd_records_total{direction="tx",mode="user"}']+there} ]]
	totals_full 0
	wait_until 20 becomes 'ktlsd_observer_lost_total{what="totals"}' 0
	[[ ${VALUE['ktlsd_records_total{direction="tx",mode="kernel"}']+there} ]]
}

@test "an observer that was unloaded is absent, not zero" {
	local series
	scrape
	[[ ${VALUE['ktlsd_source_up{source="observer"}']} == 1 ]] || ! expect_ktls
	[[ ${VALUE['ktlsd_source_up{source="observer"}']} == 1 ]] || skip "there is no observer here"
	ctl observe --unload
	wait_until 20 becomes 'ktlsd_source_up{source="observer"}' 0
	for series in "${!VALUE[@]}"; do
		[[ $series != *owner=\"other\"* && $series != ktlsd_kernel_events_* &&
			$series != ktlsd_observer_s* && $series != ktlsd_observer_programs* &&
			$series != ktlsd_records_*mode=\"kernel\"* ]]
	done
	is 'ktlsd_source_up{source="programs"}' 0
	is 'ktlsd_source_up{source="workers"}' 1
	[[ ${VALUE['ktlsd_connections_accepted_total']+there} ]]
	# it comes back with the next start
	stop ktlsd
	daemon_start
	wait_until 60 becomes 'ktlsd_source_up{source="observer"}' 1
}

# ---- manners ----

status_of() { # PATH [CURL_OPTION]...
	get "$1" -o /dev/null -w '%{http_code}' "${@:2}"
}

@test "paths, methods, HEAD, and connections that stay" {
	[[ $(status_of /healthz) == 200 && $(status_of /readyz) == 200 ]]
	[[ $(status_of /) == 200 && $(status_of /status.json) == 200 ]]
	[[ $(status_of /metrics/) == 404 && $(status_of /favicon.ico) == 404 ]]
	run get /metrics -X POST -d "$(printf '%10000s' x)" -D -
	[[ $output == *"405 Method Not Allowed"* && $output == *"Allow: GET, HEAD"* ]]
	[[ $(status_of /metrics -X PUT) == 405 && $(status_of /healthz -X DELETE) == 405 ]]
	run get /metrics --head
	[[ $output == *"200 OK"* && $output == *"Content-Length: "* && $output != *ktlsd_* ]]
	# a body is nobody's business
	[[ $(status_of /healthz -X GET -d body) == 200 ]]
	# both by one connection
	run curl -sSv --max-time 30 "http://$IP:9464/metrics" "http://$IP:9464/healthz" -o /dev/null -o /dev/null
	[[ $output == *"Re-using existing connection"* ]]
	scrape
	is 'ktlsd_exporter_responses_total{code="404"}' 2
	get /status.json >"$T/status.json"
	[[ $(jq -r '.status.pid' "$T/status.json") == "$(ctl status --json | jq -r .pid)" ]]
	jq -e '(.stats.observer | has("available")) and (.connections | type == "array")' "$T/status.json"
}

@test "ready while it takes connections" {
	ctl drain --timeout 1s
	[[ $(status_of /readyz) == 503 && $(status_of /healthz) == 200 ]]
	scrape
	is 'ktlsd_listener_up{listener="user"}' 0
	[[ ! ${VALUE[ktlsd_listener_accept_queue_length\{listener=\"user\"\}]+there} ]]
	ctl drain --undo
	[[ $(status_of /readyz) == 200 ]]
	scrape
	is 'ktlsd_listener_up{listener="user"}' 1
	is 'ktlsd_listener_accept_queue_length{listener="user"}' 0
}

# Asks and then takes a byte a second: for the kernel's buffers it asks for more than they hold.
slow_reader() {
	exec {fd}<>"/dev/tcp/$IP/9464"
	for ((i = 0; i < 400; i++)); do
		printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' >&"$fd" || break
	done
	while IFS= read -r -n 1 -t 30 -u "$fd" _; do
		sleep 1
	done
}

# Sends a head at a byte a second.
slow_writer() {
	exec {fd}<>"/dev/tcp/$IP/9464"
	for ((i = 0; i < 60; i++)); do
		printf G >&"$fd" || break
		sleep 1
	done
}
export -f slow_reader slow_writer

# Peers of the exporter's address, by the kernel's word.
exporter_peers() {
	ss -Htn state established "src $IP:9464" | wc -l
}

exporter_has_no_peers() {
	[[ $(exporter_peers) == 0 ]]
}

@test "fifty at once share what is gathered; who is slow is dropped" {
	spawn slow env -u BASH_ENV IP="$IP" bash -c slow_reader
	spawn dribble env IP="$IP" bash -c slow_writer
	remember
	curl -sS -f --max-time 30 -Z --parallel-max 50 --parallel-immediate -o "$T/scrape.#1" \
		"http://$IP:9464/metrics?[1-50]"
	[[ $(grep -l '^process_start_time_seconds ' "$T"/scrape.* | wc -l) == 50 ]]
	scrape
	((VALUE[ktlsd_scrapes_total] - BEFORE[ktlsd_scrapes_total] < 40))
	# neither has ended by itself: ten seconds are what a request and its answer get
	wait_until 25 exporter_has_no_peers
	stop slow
	stop dribble
}

# Served and scraped for a moment: sets LAG_US to the median of what the workers took to come to the question
# of each scrape, by ktlsd's word, and ASK_US to that of small requests, from when they were due.
lag_period() {
	local lag
	local -a lags=()
	SPAWN_INPUT=$T/go spawn client "$KTLSD_BUILD/bench/ask" -c 8 -r 400 -n 800 /small "$IP" 4433
	wait_log client '^READY$'
	while is_running client; do
		scrape
		lag=${VALUE[ktlsd_worker_lag_seconds]}
		lags+=("$(awk "BEGIN { print int(1000000 * $lag) }")")
	done
	read -r ASK_US < <(sed -n 's/.* p50_us=\([0-9]*\).*/\1/p' "$T/client.log")
	mapfile -t lags < <(printf '%s\n' "${lags[@]}" | sort -n)
	LAG_US=${lags[${#lags[@]} / 2]}
	stop client
}

crowd_begin() {
	spawn slow env -u BASH_ENV IP="$IP" bash -c slow_reader
	spawn fifty curl -sS -Z --parallel-max 50 --parallel-immediate -o /dev/null \
		"http://$IP:9464/metrics?[1-100000000]"
	wait_until 20 exporter_has_peers 51
}

crowd_end() {
	is_running fifty
	stop fifty
	stop slow
	wait_until 25 exporter_has_no_peers
}

exporter_has_peers() { # NUMBER
	(($(exporter_peers) >= $1))
}

@test "fifty who scrape as fast as they can do not make the workers late" {
	local i alone
	! expect_ktls || skip "this kernel is emulated, where nothing is on time"
	head -c 1000 "$T/www/body" >"$T/www/small"
	echo go >"$T/go"
	# in turns, and again: the machine may have others to serve, but not all the time
	for i in {1..6}; do
		lag_period
		alone="$LAG_US $ASK_US"
		crowd_begin
		lag_period
		crowd_end
		echo "# lag and request, us: alone $alone, scraped $LAG_US $ASK_US" >&3
		((${alone% *} > LAG_MAX_US || ${alone#* } > LAG_MAX_US)) && continue
		((LAG_US > LAG_MAX_US || ASK_US > LAG_MAX_US)) || return 0
	done
	false
}

# ---- reload, other places ----

# Every counter of the one is in the other, with as much or more.
counters_went_on() { # BEFORE AFTER
	awk '/^#/ { next }
		{ series = $0; sub(/ [^ ]*$/, "", series) }
		series !~ /_total|_bucket|_count/ { next }
		NR == FNR { before[series] = $NF; next }
		series in before {
			if ($NF < before[series]) { print "went back:", series; bad = 1 }
			delete before[series]
		}
		END { for (series in before) { print "has gone:", series; bad = 1 } exit bad }' "$@"
}

@test "counters do not go back by a reload, and a refused one is told" {
	remember
	cp "$T/metrics" "$T/metrics-before"
	ctl reload
	scrape
	grew 'ktlsd_config_reloads_total{result="ok"}' 1
	counters_went_on "$T/metrics-before" "$T/metrics"
	cp "$T/ktlsd.yaml" "$T/good.yaml"
	echo "nonsense: 1" >>"$T/ktlsd.yaml"
	run ! ctl reload
	scrape
	grew 'ktlsd_config_reloads_total{result="failed"}' 1
	is ktlsd_config_last_reload_successful 0
	cp "$T/good.yaml" "$T/ktlsd.yaml"
	ctl reload
	scrape
	is ktlsd_config_last_reload_successful 1
}

@test "a reload moves it to a unix socket, off, and back" {
	config "unix:$T/run/metrics.sock"
	ctl reload
	curl -sSf --unix-socket "$T/run/metrics.sock" http://x/healthz
	[[ $(stat -c %a "$T/run/metrics.sock") == 660 ]]
	run ! get /healthz
	config off
	ctl reload
	[[ ! -e $T/run/metrics.sock ]]
	config "$IP:9464"
	ctl reload
	get /healthz
}

@test "an address that is taken: the default is a warning, another an error" {
	stop ktlsd
	spawn occupant "$HELPERS/backend" "mute=tcp:$IP:9464"
	wait_log occupant '^READY$'
	run "$KTLSD_BUILD/ktlsd" --config "$T/ktlsd.yaml"
	((status == 1))
	[[ $output == *"metrics: cannot listen on $IP:9464: Address already in use"* ]]
	stop occupant
	# somebody may have it already, on a host with other tests
	spawn occupant "$HELPERS/backend" "mute=tcp:127.0.0.1:9464"
	wait_log occupant 'READY|in use' 20
	sed -i '/^metrics:/d' "$T/ktlsd.yaml"
	daemon_start
	log_has ktlsd 'no metrics: cannot listen on the default 127.0.0.1:9464'
	stop occupant
	stop ktlsd
	config
	daemon_start
	get /healthz
}
