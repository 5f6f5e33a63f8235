# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Runs suites that write TAP, and counts. To be sourced with progress.bash and lanes.bash.
#
#	tally_run SUITE COMMAND...	run it with its output in build/logs/SUITE.log; print one line
#					with its counts, and every failure in full
#	tally_together			after TALLY_TOGETHER=1: run what tally_run has only noted, as
#					many suites at a time as there are CPUs, four at most
#	tally_fail SUITE TEXT		count a failure that happened outside of any test
#	tally_finish			print the sums; returns 1 if anything failed
#
# A suite that ends with a failure of which no test tells has failed once. A line "N passed, M
# failed" counts as so many tests.

TALLY_PASSED=0 TALLY_FAILED=0 TALLY_SKIPPED=0

# Prints "PASSED FAILED SKIPPED" of a log. To cmocka a skipped test is not ok.
tally_count() { # LOG
	awk '
		/^(not )?ok / && / # (skip|SKIP)/ { skipped++; next }
		/^ok / { passed++ }
		/^not ok / { failed++ }
		/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
		END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# The same for people.
tally_words() { # LOG
	local passed failed skipped words
	read -r passed failed skipped < <(tally_count "$1")
	words="$passed passed"
	((!failed)) || words+=", $failed failed"
	((!skipped)) || words+=", $skipped skipped"
	echo "$words"
}

# Prints every failed test with all that it said, what was tried again, and every reason to skip
# once.
tally_show() { # LOG
	awk '
		/^(ok |1\.\.[0-9]+$)/ || / # (skip|SKIP)/ { shown = 0; next }
		/^not ok / || /^FAILED: / { shown = 1 }
		shown { print "    " $0 }' "$1" >&2
	sed -nE 's/^# (tried again: .*)/    \1/p' "$1" >&2
	sed -nE 's/^(not )?ok .*# (skip|SKIP) ?//p' "$1" | sort | uniq -c |
		sed -E 's/^ *([0-9]+) (.*)/    skipped \1: \2/' >&2
}

tally_run() { # SUITE COMMAND...
	local log=build/logs/${1//[ .]/-}.log status=0
	if [[ ${TALLY_TOGETHER-} ]]; then
		lanes_add "$1" "$log" "${@:2}"
		return
	fi
	PROGRESS_DETAIL=tally_words PROGRESS_RESULT=tally_words \
		progress_run "$1" "$log" "${@:2}" || status=$?
	tally_take "$1" "$log" "$status"
}

tally_together() {
	local n
	n=$(nproc)
	TALLY_TOGETHER=
	PROGRESS_DETAIL=tally_words lanes_run $((n < 4 ? n : 4)) tally_ended
}

tally_ended() { # SUITE LOG STATUS SECONDS
	progress_note "$1: $(tally_words "$2"), $4 s"
	tally_take "$1" "$2" "$3"
}

# Counts what the suite has said, and shows what has to be seen.
tally_take() { # SUITE LOG STATUS
	local passed failed skipped
	read -r passed failed skipped < <(tally_count "$2")
	tally_show "$2"
	TALLY_PASSED=$((TALLY_PASSED + passed))
	TALLY_FAILED=$((TALLY_FAILED + failed))
	TALLY_SKIPPED=$((TALLY_SKIPPED + skipped))
	if ((passed + failed + skipped == 0)); then
		tally_fail "$1" "no test ran (exit code $3)" "$2"
	elif (($3 > 1 || ($3 == 1 && !failed))); then
		tally_fail "$1" "ended with exit code $3" "$2"
	fi
}

tally_fail() { # SUITE TEXT [LOG]
	TALLY_FAILED=$((TALLY_FAILED + 1))
	progress_note "    FAILED: $1: $2${3:+; the end of $3:}"
	[[ -z ${3:-} ]] || tail -n 100 "$3" | sed 's/^/    /' >&2
}

tally_finish() {
	echo "$TALLY_PASSED passed, $TALLY_FAILED failed, $TALLY_SKIPPED skipped"
	((TALLY_FAILED == 0))
}
