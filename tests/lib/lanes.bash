# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Long steps side by side, each with its output in a log. To be sourced with progress.bash.
#
#	lanes_add NAME LOG COMMAND...	one more step
#	lanes_run N DONE		run them in this order, N at a time; as soon as one has ended
#					DONE is called with NAME LOG STATUS SECONDS
#	lanes_stop			end the steps that run, with all they have started
#
# A line comes when a step starts and, from each that runs, every half minute; on a terminal one
# line of them all is rewritten every second. PROGRESS_DETAIL as in progress.bash.

LANES_QUEUE=()
# of the steps that run, by process
LANES_NAME=() LANES_LOG=() LANES_START=()

lanes_add() { # NAME LOG COMMAND...
	LANES_QUEUE+=("$(printf '%q ' "$@")")
}

lanes_start() { # NAME LOG COMMAND...
	mkdir -p "$(dirname "$2")"
	: >"$2"
	[[ ${PROGRESS_TTY-} ]] || progress_note "$1 ..."
	# job control gives it a process group, by which all of it can be ended
	set -m
	{ "${@:3}" || exit; } </dev/null >>"$2" 2>&1 &
	set +m
	LANES_NAME[$!]=$1 LANES_LOG[$!]=$2 LANES_START[$!]=$SECONDS
}

lanes_start_next() {
	local -a step
	eval "step=(${LANES_QUEUE[0]})"
	LANES_QUEUE=("${LANES_QUEUE[@]:1}")
	lanes_start "${step[@]}"
}

# Calls DONE for every step that has ended.
lanes_reap() { # DONE
	local pid status name log seconds
	for pid in "${!LANES_NAME[@]}"; do
		! kill -0 "$pid" 2>/dev/null || continue
		status=0
		wait "$pid" || status=$?
		name=${LANES_NAME[pid]} log=${LANES_LOG[pid]} seconds=$((SECONDS - LANES_START[pid]))
		unset "LANES_NAME[pid]" "LANES_LOG[pid]" "LANES_START[pid]"
		"$1" "$name" "$log" "$status" "$seconds"
	done
}

# Says how far the steps are, when it is time to.
lanes_tell() {
	local pid line=''
	((SECONDS >= LANES_TELL)) || return 0
	for pid in "${!LANES_NAME[@]}"; do
		line+="${line:+; }$(progress_line "${LANES_NAME[pid]}" "${LANES_LOG[pid]}" "${LANES_START[pid]}")"
	done
	if [[ ${PROGRESS_TTY-} ]]; then
		LANES_TELL=$((SECONDS + 1))
		printf '\r\033[K%s' "${line:0:${COLUMNS:-80}-1}" >&2
	else
		LANES_TELL=$((SECONDS + 30))
		printf '%s\n' "${line//; /$'\n'}" >&2
	fi
}

lanes_run() { # N DONE
	local nothing
	exec {nothing}<> <(:)
	LANES_TELL=$((SECONDS + 30))
	while ((${#LANES_QUEUE[@]} + ${#LANES_NAME[@]})); do
		while ((${#LANES_QUEUE[@]} && ${#LANES_NAME[@]} < $1)); do
			lanes_start_next
		done
		# a pause without a process
		read -rt 0.2 -u "$nothing" || true
		lanes_tell
		lanes_reap "$2"
	done
	exec {nothing}>&-
}

lanes_stop() {
	local pid
	for pid in "${!LANES_NAME[@]}"; do
		{ kill -TERM -- "-$pid" && wait "$pid"; } 2>/dev/null || true
	done
	LANES_NAME=() LANES_LOG=() LANES_START=()
}
