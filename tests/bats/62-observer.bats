#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ktlsd as a pure observer, without a listener: its kernel programs outlive it, come late where tls
# does, and are missed by nobody where they cannot be had. Ten thousand sockets are listed at once.

load lib

# Pairs of sockets for the long listing, and what it and a scrape may take. In an ordinary run another
# guest may have half of the machine: twice as long.
PAIRS=5000 LISTING_MS=1000
SCRAPE_MS=500 SCRAPE_BYTES=1048576 SCRAPE_RSS_KB=8192
[[ ${MATRIX-} == full ]] || LISTING_MS=2000 SCRAPE_MS=1000

setup_file() {
	suite_begin --no-certificates
	config_begin "metrics: unix:$T/run/metrics.sock"
}

teardown_file() {
	suite_end
}

setup() {
	tell_try
}

teardown() {
	[[ ! -e $T/pairs.pid ]] || stop pairs
	rm -f "$T/pairs.in" "$T/totals"
	[[ ! -e $T/load.pid ]] || stop load
	stop ktlsd
	umount "$T/run/bpf" 2>/dev/null || true
	! expect_ktls || modprobe -q tls # which a test that failed may have taken away
}

need_tls() {
	expect_ktls || skip "this kernel has no TLS"
}

need_root() {
	[[ $EUID == 0 ]] || skip "needs root"
}

observer() { # JQ_FILTER
	ctl status --json | jq -r ".observer | $1"
}

totals() { # JQ_FILTER
	ctl stats --json | jq -r ".totals | $1"
}

# Short connections of somebody else's, one after the other, until it is stopped; LOG has a line
# for each.
load_start() {
	: >"$T/pairs-done"
	# shellcheck disable=SC2016 # for that shell
	spawn load bash -c 'while "$1" -n 2 </dev/null >/dev/null; do echo >>"$2"; done' - \
		"$HELPERS/ktls_pair" "$T/pairs-done"
}

pairs_done() {
	wc -l <"$T/pairs-done"
}

have_come() { # NUMBER
	(($(pairs_done) >= $1))
}

# Keeps all totals as they are now in $T/totals, behind those of before.
totals_keep() {
	local text
	text=$(ctl stats --json) && [[ $text == *'"totals":[{'* ]] && echo "$text" >>"$T/totals"
}

# They have been kept so often, and none went back or was gone the next time.
totals_went_on() { # TIMES
	# "TIME KEY COUNT RECORDS"
	jq -nr 'foreach inputs as $stats (0; . + 1; . as $time | $stats.totals[] |
		"\($time) \(.event)/\(.direction)/\(.mode)/\(.version)/\(.cipher)/\(.ok) \(.count)" +
		" \(.records // 0)")' "$T/totals" |
		awk -v times="$1" '
			($1 - 1, $2) in count && ($3 < count[$1 - 1, $2] || $4 < records[$1 - 1, $2]) {
				print "back:", $0
				bad = 1
			}
			{
				count[$1, $2] = $3
				records[$1, $2] = $4
				last = $1
			}
			END {
				for (key in count) {
					split(key, part, SUBSEP)
					if (part[1] < last && !((part[1] + 1, part[2]) in count)) {
						print "gone:", part[1], part[2]
						bad = 1
					}
				}
				exit bad || last != times
			}'
}

# The programs' counts of keys and the kernel's own differ by what was before, now and ever.
difference() {
	ctl stats --json | jq -c '[.tls_stat[] |
		select(.name | IN("TlsTxSw", "TlsRxSw")) | .difference // 0]'
}

@test "killed under load: counting goes on, a restart adopts, totals never go back" {
	local before i pairs
	need_tls
	load_start
	daemon_start
	observer_start
	[[ $(observer .adopted) == false ]]
	wait_until 60 have_come 2
	stop load
	before=$(difference)
	load_start
	totals_keep
	kill -KILL "$(spawned ktlsd)"
	stop ktlsd KILL
	wait_until 60 have_come $(($(pairs_done) + 3))
	daemon_start
	observer_start
	[[ $(observer .adopted) == true ]]
	for i in {1..4}; do
		pairs=$(pairs_done)
		totals_keep
		wait_until 60 have_come $((pairs + 1))
	done
	stop load
	totals_went_on 5
	[[ $(difference) == "$before" ]]
}

server_pid() {
	local pid
	pid=$(ctl status --json | jq .pid) && [[ $pid && $pid != "$1" ]]
}

@test "killed alone, the server comes back and knows the totals and the programs" {
	local pid
	need_tls
	daemon_start
	observer_start
	"$HELPERS/ktls_pair" -n 2 </dev/null >/dev/null
	totals_keep
	pid=$(ctl status --json | jq .pid)
	kill -KILL "$pid"
	wait_until 60 server_pid "$pid"
	wait_until 30 totals_keep
	totals_went_on 2
	[[ $(observer '.programs | length > 10 and all(.attached)') == true ]]
}

# For wait_until, so not by jq, which takes its time to start.
tls_is_awaited() { # TRUTH
	[[ $(ctl status --json) == *"\"waiting_for_tls\":$1"* ]]
}

@test "without tls the probes wait, and see its sockets once it is there" {
	need_tls
	[[ -e /sys/module/tls/refcnt ]] || skip "tls is built in"
	wait_until 60 modprobe -q -r tls
	daemon_start
	observer_start
	wait_until 20 tls_is_awaited true
	[[ $(observer .available) == true ]]
	modprobe tls
	wait_until 60 tls_is_awaited false
	[[ $(observer '.programs | all(.attached)') == true ]]
	"$HELPERS/ktls_pair" -n 2 </dev/null >/dev/null
	[[ $(totals '[.[] | select(.event == "close" and .direction == "tx")] | map(.count) | add') == 2 ]]
}

# It serves, and status says why others are not seen.
serves_without() { # DETAIL WRAPPER...
	local detail=$1 answer
	shift
	daemon_start "$@"
	observer_start
	ctl status --json >"$T/status" || [[ $? == 3 ]] # 3: it knows of problems
	answer=$(jq -r '.observer | "\(.available) \(.detail)"' "$T/status")
	echo "$answer"
	[[ $answer == "false "*"$detail"* ]]
	[[ $(ctl list --own --json) == *'"connections":[]'* ]]
}

@test "without CAP_BPF, BTF or a bpffs it serves, and says what is missing" {
	need_root
	serves_without "no CAP_SYS_ADMIN, nor CAP_BPF" setpriv --bounding-set=-bpf,-sys_admin
	stop ktlsd
	serves_without "no CAP_SYS_ADMIN" setpriv --bounding-set=-sys_admin
	stop ktlsd
	# shellcheck disable=SC2016 # for that shell
	serves_without BTF unshare --mount sh -c \
		'mount -t tmpfs none /sys/kernel/btf && exec "$@"' -
}

@test "payload is accounted while that is asked for, and all is gone after unload" {
	need_tls
	daemon_start
	observer_start
	[[ $(observer .payload) == false ]]
	ctl observe --payload on
	[[ $(observer .payload) == true ]]
	"$HELPERS/ktls_pair" -n 2 </dev/null >/dev/null
	# records of 1 and 4100 bytes, both ways
	[[ $(totals '[.[] | select(.event == "close")] | map(.payload // 0) | add') == 16404 ]]
	ctl observe --payload off
	[[ $(observer .payload) == false ]]
	ctl observe --unload
	[[ $(observer .available) == false ]]
	run ! grep " $T/run/bpf " /proc/self/mounts
	run -1 ctl observe --payload on
	echo "$output"
	[[ $output == *"nothing is loaded"* ]]
}

@test "events are told as they come to who follows" {
	# ktlsd's own probe makes some too
	local keys='"event":"keys","cookie":[0-9]+,"process":\{"pid":[0-9]+,"comm":"ktls_pair"\}'
	need_tls
	daemon_start
	observer_start
	spawn follower "$KTLSD_BUILD/ktlsctl" events --follow --json --socket "$T/run/api.sock"
	"$HELPERS/ktls_pair" -n 2 </dev/null >/dev/null
	wait_log follower '"event":"close".*"comm":"ktls_pair".*"tx_records":2' 20
	[[ $(grep -oE "$keys" "$T/follower.log" | wc -l) == 4 ]]
	# whoever asks later is told the same
	[[ $(ctl events --json | grep -oE "$keys" | wc -l) == 4 ]]
	stop follower
}

# Sets TOOK_MS to the best of five: the machine may have others to serve.
listing_time() {
	local i began ms
	TOOK_MS=
	for i in {1..5}; do
		began=${EPOCHREALTIME/./}
		ctl list --json >"$T/long-list"
		ms=$(((${EPOCHREALTIME/./} - began) / 1000))
		[[ $TOOK_MS ]] && ((TOOK_MS <= ms)) || TOOK_MS=$ms
	done
}

# Scrapes; sets TOOK_MS to the best of five, from the request to the last byte. Those that come together
# share a text, which tells nothing.
scrape_time() {
	local i=0 ms us
	TOOK_MS=
	while ((i < 5)); do
		us=$(curl -sS -f --max-time 30 --unix-socket "$T/run/metrics.sock" -o "$T/metrics" \
			-w '%{time_total}' http://localhost/metrics)
		cmp -s "$T/metrics" "$T/metrics-before" && continue
		mv "$T/metrics" "$T/metrics-before"
		ms=$((10#${us/./} / 1000))
		[[ $TOOK_MS ]] && ((TOOK_MS <= ms)) || TOOK_MS=$ms
		((++i))
	done
}

# What the last scrape has.
samples() {
	grep -vc '^#' "$T/metrics-before"
}

server_rss_kb() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$(ctl status --json | jq .pid)/status"
}

@test "10,000 sockets are listed and scraped in time, and the server does not grow" {
	local kb series
	need_tls
	daemon_start
	observer_start
	scrape_time
	kb=$(server_rss_kb) series=$(samples)
	# reads that block, until they are killed
	mkfifo "$T/pairs.in"
	# shellcheck disable=SC2034 # it only has to be open
	exec {PAIRS_FD}<>"$T/pairs.in"
	SPAWN_INPUT=$T/pairs.in spawn pairs "$HELPERS/ktls_pair" -M $((PAIRS - 1))
	wait_log pairs '^READY$' 80
	scrape_time
	kb=$(($(server_rss_kb) - kb)) series=$(($(samples) - series))
	echo "# $((2 * PAIRS)) sockets scraped in $TOOK_MS ms, $(stat -c %s "$T/metrics-before") bytes, $kb KB more RSS" >&3
	grep -x "ktlsd_observer_sockets $((2 * PAIRS))" "$T/metrics-before"
	((TOOK_MS <= SCRAPE_MS))
	(($(stat -c %s "$T/metrics-before") <= SCRAPE_BYTES))
	((kb <= SCRAPE_RSS_KB))
	# kinds of sockets have come, each with its series
	((series < 100))
	listing_time
	echo "# and listed in $TOOK_MS ms" >&3
	[[ $(grep -o '"owner":"other"' "$T/long-list" | wc -l) == $((2 * PAIRS)) ]]
	((TOOK_MS <= LISTING_MS))
}
