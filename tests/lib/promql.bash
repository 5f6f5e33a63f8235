# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Queries of rules and dashboards, against the table of metrics. To be sourced; the current
# directory is the tree's root. A query is a line "WHERE RECORD LABELS EXPRESSION", between tabs:
# RECORD is the name it is recorded as, LABELS are those that texts beside it name; each may be "-".
#
#	promql_rules FILE...		prints the queries of rule files, those of alerts with all
#					the labels of their texts
#	promql_dashboards FILE...	prints the queries of dashboards, with the variables filled in
#	promql_check			reads queries, of rules first; prints what they name and
#					metric.def does not have; fails if there is something
#	promql_parses			reads queries; fails unless Prometheus can parse them

# The rule files are our own: "expr: |" and deeper lines, nothing else.
promql_rules() { # FILE...
	awk '
	function flush() {
		if (expr != "")
			printf "%s\t%s\t%s\t%s\n", where, record, labels == "" ? "-" : labels, expr
		expr = labels = ""
	}
	FNR == 1 { flush() }
	/^ *- (record|alert): / {
		flush()
		where = FILENAME ": " $3
		record = $2 == "record:" ? $3 : "-"
		inside = 0
		next
	}
	/^ *expr: \|$/ { inside = match($0, /[^ ]/); next }
	inside && match($0, /[^ ]/) > inside { expr = expr " " substr($0, RSTART); next }
	{ inside = 0 }
	{
		rest = $0
		while (match(rest, /\$labels\.[a-z_]+/)) {
			labels = labels " " substr(rest, RSTART + 8, RLENGTH - 8)
			rest = substr(rest, RSTART + RLENGTH)
		}
	}
	END { flush() }' "$@"
}

# What Grafana fills in: intervals, and the variables of the dashboards, which match anything.
promql_dashboards() { # FILE...
	jq -r '
	def targets: .. | objects | select(has("targets")) | . as $panel | .targets[] |
		[$panel.title, ([(.legendFormat // "") | scan("{{ *([a-z_]+) *}}") | .[]] | join(" ")), .expr];
	def variables: .templating.list[] | select(.type == "query") |
		["variable " + .name, "", (.query.query |
			if startswith("label_values(") then
				capture("label_values\\((?<m>.*), *(?<l>[a-z_]+)\\)") |
				"count by (" + .l + ") (" + .m + ")"
			else . end)];
	def annotations: .annotations.list[] | ["annotation " + .name, "", .expr];
	(variables, annotations, targets) |
	[input_filename + ": " + .[0], "-", (if .[1] == "" then "-" else .[1] end),
		(.[2] | gsub("\\$__rate_interval|\\$__range|\\$__interval"; "5m") |
		gsub("\\$[a-z_]+"; ".*") | gsub("\\s+"; " "))] | join("\t")' "$@"
}

promql_parses() {
	local rules status=0
	rules=$(mktemp)
	awk -F'\t' '
	BEGIN { print "groups:\n  - name: queries\n    rules:" }
	{ printf "      - record: query:number:%d\n        expr: >-\n          %s\n", NR, $4 }
	END { exit !NR }' >"$rules" || status=1
	promtool check rules "$rules" >"$rules.out" 2>&1 || status=1
	((status == 0)) || cat "$rules" "$rules.out" >&2
	rm -f "$rules" "$rules.out"
	return "$status"
}

promql_check() {
	{
		docs/generate --dump-metrics
		# what the table leaves to another table
		sed -nE 's/^REASON\(\w+, \w+, "([a-z-]+)",$/\1/p' daemon/base/reason.def |
			paste -sd , | sed 's/^/label\treason\t/'
		echo end
		cat
	} | awk -F'\t' '
	function report(text) {
		print where ": " text
		wrong = 1
	}
	function is_metric(name) { return name in labels_of }
	# The next token of `text`, which loses it; blanks, numbers and ranges are none.
	function token(	t) {
		while (match(text, /^([ \t]+|[0-9][0-9.eE]*[smhdwy]?|\[[^]]*\])/))
			text = substr(text, RLENGTH + 1)
		if (match(text, /^[a-zA-Z_:][a-zA-Z0-9_:]*/) || match(text, /^"[^"]*"/) ||
		    match(text, /^(=~|!~|!=|==|>=|<=)/) || match(text, /^./)) {
			t = substr(text, 1, RLENGTH)
			text = substr(text, RLENGTH + 1)
			return t
		}
		return ""
	}
	function has(list, item) { return index("," list ",", "," item ",") }
	function matcher(metric, label, op, value,	n, i, v, found) {
		if (!has(labels_of[metric], label)) {
			report("metric " metric " has no label " label)
			return
		}
		value = substr(value, 2, length(value) - 2)
		if (values_of[label] == "" || value ~ /^(\.\*|\.\+|)$/ || op == "=" && label in open)
			return
		# each alternative has to be possible
		n = split(op ~ /~/ ? value : value "", alternative, op ~ /~/ ? "|" : "\n")
		for (i = 1; i <= n; i++) {
			found = 0
			v = split(values_of[label], known, ",")
			for (; v; v--)
				if (op ~ /~/ ? known[v] ~ "^(" alternative[i] ")$" : known[v] == alternative[i])
					found = 1
			if (!found)
				report("label " label " is never " alternative[i])
		}
	}
	function braces(metric,	label, op, value) {
		while ((label = token()) != "" && label != "}") {
			if (label == ",")
				continue
			op = token()
			value = token()
			if (value !~ /^"/) {
				report("cannot read the matcher of " label)
				return
			}
			matcher(metric, label, op, value)
		}
	}
	function query(	t, last, n, i) {
		named = ""
		seen = "job,instance"
		while ((t = token()) != "") {
			if (t ~ /^(by|without|on|ignoring|group_left|group_right)$/) {
				if (token() != "(")
					report("no list of labels after " t)
				while ((t = token()) != "" && t != ")")
					if (t != ",")
						named = named " " t
			} else if (t ~ /^[a-zA-Z_:]/ && t !~ keywords && text !~ /^[ \t]*\(/) {
				if (!is_metric(t)) {
					report("no metric " t)
					labels_of[t] = ""
				}
				seen = seen "," labels_of[t]
				last = t
				if (text ~ /^\{/) {
					token()
					braces(last)
				}
			}
		}
		n = split(named, list, " ")
		for (i = 1; i <= n; i++)
			if (!has(seen, list[i]))
				report("no metric of this query has a label " list[i])
	}
	BEGIN {
		keywords = "^(and|or|unless|bool|offset|sum|min|max|avg|count|group|topk|bottomk|quantile|count_values|Inf|NaN)$"
		labels_of["up"] = "job,instance"
		labels_of["ALERTS"] = "job,instance,alertname,alertstate,severity,reason,direction,limit"
		n_queries = 0
	}
	!queries && $1 == "metric" {
		n = $4 == "HISTOGRAM" || $3 == "HISTOGRAM" ? split("_bucket _sum _count", suffix, " ") : 1
		if (n == 1)
			suffix[1] = ""
		for (i = 1; i <= n; i++)
			labels_of[$2 suffix[i]] = "job,instance," $5 (suffix[i] == "_bucket" ? ",le" : "")
		next
	}
	!queries && $1 == "label" { values_of[$2] = $3; next }
	$1 == "end" && NF == 1 { queries = 1; next }
	{
		where = $1
		n_queries++
		text = $4
		query()
		n = split($3 == "-" ? "" : $3, list, " ")
		for (i = 1; i <= n; i++)
			if (!has(seen, list[i]))
				report("its texts name the label " list[i] ", which it has not")
		if ($2 != "-") {
			gsub(/ /, ",", named)
			labels_of[$2] = "job,instance" named
		}
	}
	END {
		if (!n_queries)
			report("no query to check, which cannot be")
		exit wrong
	}'
}
