# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Long steps with their output in a log and the elapsed time on stderr. To be sourced.
#
#	progress_run NAME LOG COMMAND...	run COMMAND, print how long it takes; returns its status
#	progress_begin NAME [LOG]		the same around what follows, until
#	progress_end STATUS
#	progress_note TEXT			text that stands on a line of its own
#	progress_stop				end the step that runs, with all it has started
#
# PROGRESS_DETAIL and PROGRESS_RESULT may name functions that are given the log and print a few
# words: what has been done so far, and in the end. A function as COMMAND runs in a subshell. On a
# terminal, and with PROGRESS_TTY=1, one line is rewritten every second; elsewhere a line comes at
# the start, every half minute and at the end.
#
# COMMAND has a process group of its own, so an interruption reaches the caller's trap only:
# that should call progress_stop.

PROGRESS_PID='' PROGRESS_TICKER=''
PROGRESS_DETAIL='' PROGRESS_RESULT=''
if [[ -t 2 ]]; then PROGRESS_TTY=1; fi

progress_note() { # TEXT
	if [[ ${PROGRESS_TTY-} ]]; then printf '\r\033[K' >&2; fi
	printf '%s\n' "$1" >&2
}

progress_line() { # NAME LOG START
	local detail=''
	[[ -z $PROGRESS_DETAIL ]] || detail=$("$PROGRESS_DETAIL" "$2")
	printf '%s ... %s%d s' "$1" "${detail:+$detail, }" "$((SECONDS - $3))"
}

# Never returns; its sleeps are how often somebody wants to look, nothing waits for them.
progress_tick() { # NAME LOG START
	if [[ ${PROGRESS_TTY-} ]]; then
		while sleep 1; do
			printf '\r\033[K%s' "$(progress_line "$@")" >&2
		done
	else
		while sleep 30; do
			printf '%s\n' "$(progress_line "$@")" >&2
		done
	fi
}

progress_begin() { # NAME [LOG]
	PROGRESS_NAME=$1 PROGRESS_LOG=${2-} PROGRESS_START=$SECONDS
	printf '%s ...' "$1" >&2
	[[ ${PROGRESS_TTY-} ]] || echo >&2
	set -m
	progress_tick "$1" "${2-}" "$SECONDS" </dev/null &
	PROGRESS_TICKER=$!
	set +m
}

progress_end() { # STATUS
	local result=''
	progress_stop
	[[ -z $PROGRESS_RESULT ]] || result=$("$PROGRESS_RESULT" "$PROGRESS_LOG")
	[[ $result || $1 == 0 ]] || result="failed ($1)"
	progress_note "$PROGRESS_NAME: ${result:+$result, }$((SECONDS - PROGRESS_START)) s"
}

progress_run() { # NAME LOG COMMAND...
	local log=$2 status=0
	mkdir -p "$(dirname "$log")"
	: >"$log"
	progress_begin "$1" "$log"
	# job control gives it a process group, by which all of it can be ended
	set -m
	"${@:3}" </dev/null >>"$log" 2>&1 &
	PROGRESS_PID=$!
	set +m
	wait "$PROGRESS_PID" || status=$?
	PROGRESS_PID=''
	progress_end "$status"
	return "$status"
}

progress_stop() {
	local pid
	for pid in $PROGRESS_PID $PROGRESS_TICKER; do
		{ kill -TERM -- "-$pid" && wait "$pid"; } 2>/dev/null || true
	done
	PROGRESS_PID='' PROGRESS_TICKER=''
}
