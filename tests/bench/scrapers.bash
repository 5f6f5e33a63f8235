# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Whether those who ask for metrics are in the way of those who are served: small requests at a fixed rate over
# 16 keep-alive connections, alone and while 50 scrape at once as fast as they can and one more takes a byte a
# second. lag is ktlsd's own word of each scrape, how long a worker took to come to its question; the
# clients' times are the independent one. On this very kernel, in user mode. On a machine that has others to
# serve too this keeps these out, with all that takes part on the same terms (real-time priority does not: nobody
# who wakes up gets ahead of who runs):
#	setsid -w bash -c 'echo -19 >/proc/self/autogroup; tests/bench/run scrapers'

SCRAPERS=50

scrapers_ktlsd_start() {
	local user=nobody
	((EUID == 0)) || user=$(id -un)
	scrapers_config "$user" >"$T/scrapers.conf"
	spawn scraped "$BUILD/ktlsd" --config "$T/scrapers.conf"
	wait_until 90 grep -q 'msg="ready"' "$T/scraped.log" || die "no ktlsd" "$T/scraped.log"
}

scrapers_config() { # USER
	cat <<-END
	user: $1
	runtime-directory: $T/run-scraped
	workers: 1
	metrics: $IP:9464
	listeners:
	  - name: bench
	    address: $IP:4443
	    files: {root: $T/www}
	    versions: [1.3]
	    ktls: {tx: off, rx: off}
	    certificates:
	      - {chain: $T/ecdsa.pem, key: $T/ecdsa.key}
	END
}

# Seconds that the workers took to come to the question of one scrape.
scrapers_lag() {
	curl -fsS --max-time 20 "http://$IP:9464/metrics" |
		sed -n 's/^ktlsd_worker_lag_seconds //p'
}

# A line for each scrape, a third of a second apart, which is more than scrapes share; for ever.
scrapers_watch() {
	while scrapers_lag; do
		sleep 0.35
	done
}

# Asks for more than buffers hold, and takes a byte a second.
scrapers_slow() {
	local peer i
	exec {peer}<>"/dev/tcp/$IP/9464"
	for ((i = 0; i < 400; i++)); do
		printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' >&"$peer" || break
	done
	while IFS= read -r -n 1 -t 30 -u "$peer" _; do
		sleep 1
	done
}

scrapers_crowd_begin() {
	spawn slow scrapers_slow
	CROWD=("$SPAWNED")
	spawn many curl -fsS -Z --parallel-max "$SCRAPERS" --parallel-immediate -o /dev/null \
		"http://$IP:9464/metrics?[1-100000000]"
	CROWD+=("$SPAWNED")
	wait_until 20 scrapers_are_there || die "no $SCRAPERS scrapers" "$T/many.log"
}

scrapers_are_there() {
	(($(ss -Htn state established "src $IP:9464" | wc -l) > SCRAPERS))
}

scrapers_period() { # alone|scraped ROUND
	local pid watch
	local -a lags
	CROWD=()
	client_begin "$1" "$BUILD/bench/ask" -c 16 -r "$SCRAPERS_RATE" -n "$SCRAPERS_REQUESTS" /1KB "$IP" 4443
	[[ $1 == alone ]] || scrapers_crowd_begin
	spawn watch scrapers_watch
	watch=$SPAWNED
	client_go
	for pid in "${CROWD[@]}"; do
		[[ -e /proc/$pid ]] || die "a scraper has gone" "$T/many.log"
	done
	for pid in "$watch" "${CROWD[@]}"; do
		stop "$pid"
	done
	read -r -a lags < <(scrapers_lags) || die "no scrape was answered" "$T/watch.log"
	sample scrapers "$1" "$2" "${lags[@]}" "p50_ms=$(scrapers_ms "${RESULT[p50_us]}")" \
		"p99_ms=$(scrapers_ms "${RESULT[p99_us]}")"
}

scrapers_ms() { # MICROSECONDS
	awk -v us="$1" 'BEGIN { printf "%.3f", us / 1000 }'
}

# The median of what was watched, and the worst.
scrapers_lags() {
	sort -g "$T/watch.log" | awk '{ lag[NR] = 1000 * $1 }
		END { if (!NR) exit 1; printf "lag_ms=%.3f lag_max_ms=%.3f\n", lag[int((NR + 1) / 2)], lag[NR] }'
}

scrapers_run() {
	SCRAPERS_RATE=500 SCRAPERS_REQUESTS=2000
	files_make
	scrapers_ktlsd_start
	rounds "${ROUNDS:-5}" scrapers_period alone scraped
}
