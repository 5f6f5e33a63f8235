# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Debian's Prometheus with the rules and dashboards of this tree. A minute of theirs is a second here, so
# that what takes a quarter of an hour is over in one of a minute. To be loaded by bats files after lib.
#
#	prometheus_start JOB=SECONDS=TARGET[,TARGET]...	scrapes each so often; waits until the first answers
#	prometheus_ask QUERY		prints the answer
#	prometheus_has QUERY		true if it has a result; for wait_until, whose pace this slows down
#	prometheus_totals SELECTOR...	sets TOTAL[SELECTOR] to the sum over each, 0 where there is none
#	prometheus_fired SECONDS ALERT...	waits until each of them has fired at some time; the moment is one
#					of those of
#	prometheus_queries FILE		asks the queries of FILE, which is written by tests/lib/promql.bash, as of
#					these moments; prints those that never had data, fails if one is wrong
#
# $T/rules.yml and $T/alerts.yml are what it evaluates.

PROMETHEUS_TREE=$BATS_TEST_DIRNAME/../..
# shellcheck source=tests/lib/promql.bash
source "$PROMETHEUS_TREE/tests/lib/promql.bash"

# A rate needs two samples, and a scrape takes its time in an emulated guest.
prometheus_hasten() { # FILE
	sed -E 's/\[(1h|30m)\]/[60s]/g; s/\[5m\]/[15s]/g; s/\[10m\]/[30s]/g; s/\b([0-9]+)[mh]\b/\1s/g' "$1"
}

prometheus_config() { # JOB=SECONDS=TARGET[,TARGET]...
	local job seconds targets
	cat <<-END
	global: {evaluation_interval: 2s}
	rule_files: [$T/rules.yml, $T/alerts.yml]
	scrape_configs:
	END
	for job; do
		IFS='=' read -r job seconds targets <<<"$job"
		cat <<-END
		  - job_name: $job
		    scrape_interval: ${seconds}s
		    scrape_timeout: ${seconds}s
		    static_configs: [{targets: ['${targets//,/"', '"}']}]
		END
	done
}

prometheus_start() { # JOB=SECONDS=TARGET[,TARGET]...
	local file first=${1##*=}
	for file in rules alerts; do
		prometheus_hasten "$PROMETHEUS_TREE/dashboards/prometheus/$file.yml" >"$T/$file.yml"
	done
	prometheus_config "$@" >"$T/prometheus.yml"
	promtool check config "$T/prometheus.yml"
	spawn prometheus prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" \
		--web.listen-address="$IP:9090" --log.level=warn
	wait_until 60 prometheus_has "up{instance=\"${first%%,*}\"} == 1"
}

prometheus_ask() { # QUERY
	curl -fsS --max-time 20 --data-urlencode "query=$1" "http://$IP:9090/api/v1/query"
}

prometheus_has() { # QUERY
	[[ $(prometheus_ask "$1" 2>/dev/null) == *'"result":[{'* ]] || prometheus_is_slow
}

# Fails after a while: it evaluates every other second, and curl takes its time to start in a guest.
prometheus_is_slow() {
	pause 0.3
	false
}

# All in one question. A scrape may be missed.
prometheus_totals() { # SELECTOR...
	local query='' selector answer
	local -a selectors=("$@")
	declare -gA TOTAL=()
	for selector; do
		query+="${query:+ or }label_replace(sum(last_over_time(${selector}[30s])) or vector(0),"
		query+="\"n\", \"${#TOTAL[@]}\", \"\", \"\")"
		TOTAL[$selector]=
	done
	answer=$(prometheus_ask "$query") || return
	while [[ $answer =~ \{\"n\":\"([0-9]+)\"\},\"value\":\[[0-9.]+,\"([^\"]+)\"\] ]]; do
		TOTAL[${selectors[BASH_REMATCH[1]]}]=${BASH_REMATCH[2]}
		answer=${answer#*"${BASH_REMATCH[0]}"}
	done
}

# Sets MISSING to those that have not.
prometheus_have_fired() { # ALERT...
	local answer name
	answer=$(prometheus_ask 'count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[15m]))')
	MISSING=
	for name; do
		[[ $answer == *"\"alertname\":\"$name\""* ]] || MISSING+=" $name"
	done
	[[ ! $MISSING ]] || prometheus_is_slow
}

prometheus_fired() { # SECONDS ALERT...
	if wait_until "$1" prometheus_have_fired "${@:2}"; then
		echo "$EPOCHSECONDS" >>"$T/moments"
	else
		echo "did not fire:$MISSING"
		return 1
	fi
}

# Asks those whose number is in $T/open, as of that moment, and keeps there the numbers of those without
# data. Forks are dear: curl asks all of them.
prometheus_queries_at() { # FILE MOMENT
	local number
	awk -F'\t' -v ask="http://$IP:9090/api/v1/query" -v time="$2" -v to="$T/answer" '
		NR == FNR { open[$1]; next }
		FNR in open {
			gsub(/\[5m\]/, "[15s]", $4)
			gsub(/["\\]/, "\\\\&", $4)
			printf "%surl = \"%s\"\nsilent\nmax-time = 60\ndata-urlencode = \"time=%s\"\n", \
				n++ ? "next\n" : "", ask, time
			printf "data-urlencode = \"query=%s\"\noutput = \"%s.%d\"\n", $4, to, FNR
		}' "$T/open" "$1" >"$T/ask"
	curl --config "$T/ask"
	while read -r number; do
		case $(<"$T/answer.$number") in
		*'"result":[{'*) ;;
		*'"status":"success"'*) echo "$number" ;;
		*) echo "wrong: $(<"$T/answer.$number"): $(sed -n "${number}p" "$1")" >&2 && return 1 ;;
		esac
	done <"$T/open" >"$T/still-open" || return 1
	mv "$T/still-open" "$T/open"
}

prometheus_queries() { # FILE
	local moment number
	awk '{ print NR }' "$1" >"$T/open"
	while read -r moment; do
		[[ ! -s $T/open ]] || prometheus_queries_at "$1" "$moment" || return
	done <"$T/moments"
	while read -r number; do
		sed -n "s/^/no data: /;${number}p" "$1"
	done <"$T/open"
}
