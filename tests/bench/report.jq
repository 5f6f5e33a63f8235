# SPDX-License-Identifier: GPL-2.0-or-later
#
# From the lines that were measured, {comparison, subject, round, values}, and what comparisons.json says
# of each comparison: {about, versions, facts, results, targets, lines}. Ratios are of the same round.

def median: sort | if length == 0 then null
	elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def spread: {median: median, min: min, max: max, n: length};

# [[round, number]...] of one subject's key.
def series($lines; $comparison; $subject; $key):
	[$lines[] | select(.comparison == $comparison and .subject == $subject and .values[$key] != null)
	 | [.round, .values[$key]]];

# What a target names: SUBJECT:KEY, or SUBJECT:KEY of another comparison, and sums of such by "+". A series
# of one round serves every round.
def term($lines; $comparison; $name):
	($name | split("/")) as $path
	| (if ($path | length) == 2 then $path[0] else $comparison end) as $of
	| ($path[-1] | split(":")) as $part
	| series($lines; $of; $part[0]; $part[1]);
def at($round): if length == 1 then .[0][1] else (map(select(.[0] == $round))[0] // [null, null])[1] end;
def total($lines; $comparison; $names):
	[$names | split("+")[] | term($lines; $comparison; .)] as $terms
	| [$terms[] | select(length > 0)] as $there
	| if ($there | length) < ($terms | length) then []
	  else [($there | max_by(length))[] | .[0] as $round | [$round, ([$there[] | at($round)] | add)]] end;

def judge($lines; $comparison; $target):
	total($lines; $comparison; $target.of) as $of
	| (if $target.to then total($lines; $comparison; $target.to) else null end) as $to
	| [$of[] | .[0] as $round | if $to then (($to | at($round)) as $below | if $below == null or $below == 0 then empty
		else .[1] / $below end) else .[1] end] as $numbers
	| select($numbers | length > 0)
	| ($numbers | spread) as $seen
	| $target + {seen: $seen, met: (if $target.min then $seen.median >= $target.min
		elif $target.max then $seen.median <= $target.max else null end)};

. as $all
| [$all[] | select(.values)] as $lines
| {versions: ([$all[] | .versions // empty] | last),
   comparisons: [$about[0][] | .name as $name | . + {
	facts: ([$all[] | .facts // empty | select(.comparison as $c | $name == $c or ($name | startswith($c + "-")))]
		| sort_by(.comparison | length) | last),
	results: [[$lines[] | select(.comparison == $name)] | group_by(.subject)[] | .[0].subject as $subject
		| {subject: $subject, values: ([.[].values | keys[]] | unique
			| map({key: ., value: (. as $key | series($lines; $name; $subject; $key) | map(.[1]) | spread)})
			| from_entries)}],
	profiles: [$all[] | select(.profile and .comparison == $name) | {subject, kernel, profile}],
	targets: [(.targets // [])[] | judge($lines; $name; .)]
   } | select(.results | length > 0)],
   lines: $all}
