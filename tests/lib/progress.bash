# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Long steps with their output in a log and the elapsed time on stderr. To be sourced.
#
#	progress_run NAME LOG COMMAND...	run COMMAND, print how long it takes; returns its status
#	progress_note TEXT			text that stands on a line of its own
#	progress_stop				end the step that runs, with all it has started
#
# PROGRESS_DETAIL and PROGRESS_RESULT may name functions that are given the log and print a few
# words: what has been done so far, and in the end. A function as COMMAND runs in a subshell. On a
# terminal one line is rewritten every second; elsewhere a line comes at the start, every half
# minute and at the end.
#
# COMMAND has a process group of its own, so an interruption reaches the caller's trap only:
# that should call progress_stop.

PROGRESS_PID='' PROGRESS_TICKER=''
PROGRESS_DETAIL='' PROGRESS_RESULT=''

progress_note() { # TEXT
	if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
	printf '%s\n' "$1" >&2
}

progress_line() { # NAME LOG START
	local detail=''
	[[ -z $PROGRESS_DETAIL ]] || detail=$("$PROGRESS_DETAIL" "$2")
	printf '%s ... %s%d s' "$1" "${detail:+$detail, }" "$((SECONDS - $3))"
}

# Never returns; its sleeps are how often somebody wants to look, nothing waits for them.
progress_tick() { # NAME LOG START
	if [[ -t 2 ]]; then
		while sleep 1; do
			printf '\r\033[K%s' "$(progress_line "$@")" >&2
		done
	else
		while sleep 30; do
			printf '%s\n' "$(progress_line "$@")" >&2
		done
	fi
}

progress_run() { # NAME LOG COMMAND...
	local name=$1 log=$2 start=$SECONDS status=0
	shift 2
	mkdir -p "$(dirname "$log")"
	: >"$log"
	if [[ -t 2 ]]; then printf '%s ...' "$name" >&2; else printf '%s ...\n' "$name" >&2; fi
	# job control gives both a process group, by which all of it can be ended
	set -m
	"$@" </dev/null >>"$log" 2>&1 &
	PROGRESS_PID=$!
	progress_tick "$name" "$log" "$start" </dev/null &
	PROGRESS_TICKER=$!
	set +m
	wait "$PROGRESS_PID" || status=$?
	PROGRESS_PID=''
	progress_stop
	progress_end "$name" "$log" "$start" "$status"
	return "$status"
}

progress_end() { # NAME LOG START STATUS
	local result=''
	[[ -z $PROGRESS_RESULT ]] || result=$("$PROGRESS_RESULT" "$2")
	[[ $result || $4 == 0 ]] || result="failed ($4)"
	progress_note "$1: ${result:+$result, }$((SECONDS - $3)) s"
}

progress_stop() {
	local pid
	for pid in $PROGRESS_PID $PROGRESS_TICKER; do
		{ kill -TERM -- "-$pid" && wait "$pid"; } 2>/dev/null || true
	done
	PROGRESS_PID='' PROGRESS_TICKER=''
}
