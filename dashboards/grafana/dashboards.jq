# SPDX-License-Identifier: GPL-2.0-or-later
# The dashboards, short: `generate` makes *.json of them. Panels flow from left to right in a grid of 24
# columns; each has a description, a unit and queries that tests/lint/grafana checks.

# ---- queries ----

# A metric of the hosts that are chosen, with more matchers or none.
def m($name; $matchers): "\($name){job=~\"$job\", instance=~\"$instance\"\(if $matchers == "" then "" else ", " + $matchers end)}";
def m($name): m($name; "");
def rate_of($name; $matchers): "rate(\(m($name; $matchers))[$__rate_interval])";
def sum_by($labels; $expr): "sum by (\($labels)) (\($expr))";

def query($expr; $legend): {
	datasource: {type: "prometheus", uid: "${datasource}"}, editorMode: "code", expr: $expr,
	legendFormat: $legend, range: true, instant: false};
def now($expr; $legend): query($expr; $legend) + {range: false, instant: true};
# a column of a table: all labels, the value now
def column($expr): now($expr; "") + {format: "table"};

# ---- panels ----

def panel($type; $title; $description; $w; $h; $unit; $queries): {
	type: $type, title: $title, description: $description,
	datasource: {type: "prometheus", uid: "${datasource}"},
	gridPos: {w: $w, h: $h},
	targets: [$queries | to_entries[] | .value + {refId: ("ABCDEFGHIJKLMNOP"[.key:.key + 1])}],
	fieldConfig: {defaults: {unit: $unit, color: {mode: "palette-classic"}}, overrides: []}};

# Modes, results and the like look the same everywhere.
def paint($pattern; $color): {
	matcher: {id: "byRegexp", options: "/\($pattern)/"},
	properties: [{id: "color", value: {mode: "fixed", fixedColor: $color}}]};
def paints: [
	paint("\\bdevice\\b"; "blue"), paint("\\bkernel\\b"; "green"), paint("\\buser\\b"; "orange"),
	paint("^ok\\b"; "green"), paint("\\bfailed\\b"; "red")];

def graph($title; $description; $w; $unit; $queries):
	panel("timeseries"; $title; $description; $w; 8; $unit; $queries)
	| .fieldConfig.defaults += {min: 0, custom: {lineWidth: 1, fillOpacity: 10, showPoints: "never"}}
	| .fieldConfig.overrides = paints
	| .options = {legend: {displayMode: "list", placement: "bottom", showLegend: true},
		tooltip: {mode: "multi", sort: "desc"}};
def stacked: .fieldConfig.defaults.custom += {fillOpacity: 40, stacking: {mode: "normal", group: "A"}};
def share: .fieldConfig.defaults += {max: 1};

def figure($title; $description; $w; $unit; $queries):
	panel("stat"; $title; $description; $w; 4; $unit; $queries)
	| .fieldConfig.defaults += {color: {mode: "thresholds"}, thresholds: {mode: "absolute", steps: [{color: "text", value: null}]}}
	| .options = {reduceOptions: {calcs: ["lastNotNull"], fields: "", values: false},
		colorMode: "value", graphMode: "none", justifyMode: "auto", orientation: "auto", textMode: "auto"};
# what a label says, instead of the number
def named: .options.textMode = "name";
# Steps of colours: [[from, colour]...]; the first one's number is not looked at.
def steps($list): .fieldConfig.defaults.thresholds = {mode: "absolute",
	steps: [$list | to_entries[] | {color: .value[1], value: (if .key == 0 then null else .value[0] end)}]};
def words($map): .fieldConfig.defaults.mappings = [{type: "value",
	options: ($map | with_entries(.value |= {text: .[0], color: .[1]}))}];

def gauge_bars($title; $description; $w; $unit; $queries):
	panel("bargauge"; $title; $description; $w; 8; $unit; $queries)
	| .fieldConfig.defaults += {min: 0, max: 1, color: {mode: "thresholds"}}
	| steps([[0, "green"], [0.8, "orange"], [0.95, "red"]])
	| .options = {displayMode: "basic", orientation: "horizontal", showUnfilled: true, valueMode: "color",
		reduceOptions: {calcs: ["lastNotNull"], fields: "", values: false}};

# names: what the columns are called; an empty one is left out
def table($title; $description; $w; $h; $unit; $queries; $names):
	panel("table"; $title; $description; $w; $h; $unit; $queries)
	| .fieldConfig.defaults += {color: {mode: "thresholds"}, thresholds: {mode: "absolute", steps: [{color: "text", value: null}]},
		custom: {align: "auto", filterable: true}}
	| .options = {showHeader: true, cellHeight: "sm", footer: {show: false}}
	| .transformations = (if $queries | length > 1 then [{id: "merge", options: {}}] else [] end) + [{id: "organize", options: {
		excludeByName: ($names | with_entries(select(.value == "") | .value = true)),
		renameByName: ($names | with_entries(select(.value != "")))}}];
def unit_of($column; $unit): .fieldConfig.overrides += [{matcher: {id: "byName", options: $column},
	properties: [{id: "unit", value: $unit}]}];
def link_of($column; $title; $url): .fieldConfig.overrides += [{matcher: {id: "byName", options: $column},
	properties: [{id: "links", value: [{title: $title, url: $url}]}]}];

def row($title): {type: "row", title: $title, collapsed: false, panels: [], gridPos: {w: 24, h: 1}};
def words_of($w; $h; $markdown): {type: "text", title: "", description: "How to read this dashboard.", gridPos: {w: $w, h: $h},
	options: {mode: "markdown", content: $markdown}};

# Gives every panel its place and number.
def flow: reduce .[] as $p ({x: 0, y: 0, deep: 0, out: []};
	(if .x + $p.gridPos.w > 24 then .y += .deep | .x = 0 | .deep = 0 else . end)
	| .out += [$p + {id: (.out | length + 1), gridPos: ($p.gridPos + {x: .x, y: .y})}]
	| .x += $p.gridPos.w
	| .deep = ([.deep, $p.gridPos.h] | max))
	| .out;

# ---- a dashboard ----

def variable($name; $shown; $query; $multi): {
	name: $name, "label": $shown, type: "query", datasource: {type: "prometheus", uid: "${datasource}"},
	query: {query: $query, refId: "variable"}, definition: $query, refresh: 2, sort: 1, hide: 0,
	multi: $multi, includeAll: $multi, allValue: (if $multi then ".*" else null end),
	current: (if $multi then {selected: true, text: ["All"], value: ["$__all"]} else {} end)};

def dashboard($uid; $title; $description; $multi; $panels): {
	uid: $uid, title: $title, description: $description, tags: ["ktlsd", "tls"],
	schemaVersion: 39, version: 1, editable: true, graphTooltip: 1, refresh: "30s", timezone: "browser",
	time: {from: "now-3h", to: "now"}, timepicker: {}, annotations: {list: [{
		name: "Server restarted", enable: true, hide: false, iconColor: "purple",
		datasource: {type: "prometheus", uid: "${datasource}"},
		expr: "changes(\(m("process_start_time_seconds"))[$__interval]) > 0 and on (job, instance) ktlsd_build_info",
		titleFormat: "ktlsd on {{instance}} restarted", step: "60s"}]},
	links: [{type: "dashboards", title: "ktlsd", tags: ["ktlsd"], asDropdown: false, includeVars: true,
		keepTime: true, targetBlank: false, icon: "external link", tooltip: "", url: ""}],
	templating: {list: [
		{name: "datasource", "label": "Data source", type: "datasource", query: "prometheus", refresh: 1, hide: 0,
			multi: false, includeAll: false, current: {}},
		variable("job"; "Job"; "label_values(ktlsd_build_info, job)"; true),
		variable("instance"; "Host"; "label_values(ktlsd_build_info{job=~\"$job\"}, instance)"; $multi)]},
	panels: ($panels | flow)};

# ---- panels that several dashboards have ----

def on_off: words({"1": ["yes", "green"], "0": ["no", "red"]});

def in_kernel($w; $by; $legend):
	graph("In the kernel or on the device, share"; "Connections of ktlsd that have keys: the share of each direction whose records are protected by the kernel or the network device."; $w; "percentunit";
		[query("avg by (\($by)) (\(m("instance_owner_direction:ktlsd_in_kernel:ratio"; "owner=\"ktlsd\"")))"; $legend)]) | share;

def by_mode($direction; $w):
	graph("Connections by mode: \(if $direction == "tx" then "sending" else "receiving" end)";
		"Who protects the records of open connections in this direction: user space, the kernel, or the network device. None: no keys yet."; $w; "short";
		[query(sum_by("mode"; m("ktlsd_connections"; "direction=\"\($direction)\"")); "{{mode}}")]) | stacked;

def fallback_rate($w; $by; $legend):
	graph("New connections that fell back to user space"; "A second, by direction and reason. 'ktlsctl explain REASON' tells what to do; classes ok are as they should be."; $w; "cps";
		[query(sum_by($by; m("instance_direction_reason:ktlsd_fallbacks:rate5m")); $legend)]);

def decrypt_errors($w):
	graph("Records that did not decrypt"; "A second: of ktlsd's connections by mode, and by the kernel's own count of all sockets (TlsDecryptError). Each ended its connection."; $w; "cps";
		[query(sum_by("mode"; rate_of("ktlsd_decrypt_errors_total"; "")); "ktlsd, {{mode}}"),
		 query(sum_by("name"; rate_of("ktlsd_tls_stat_total"; "name=\"TlsDecryptError\"")); "host, {{name}}")]);

# ---- all hosts ----

def fleet: dashboard("ktlsd-fleet"; "ktlsd: all hosts"; "Where kernel TLS is used, on which hosts it is not, and what is wrong."; true; [
	row("At a glance"),
	figure("Hosts"; "Hosts with a ktlsd that answers."; 3; "short"; [now("count(\(m("ktlsd_build_info")))"; "")]),
	(figure("Hosts without kernel TLS"; "Hosts whose kernel does not take TCP_ULP \"tls\"; everything is in user space there."; 3; "short";
		[now("count(\(m("ktlsd_probe_ulp")) == 0) or vector(0)"; "")]) | steps([[0, "green"], [1, "orange"]])),
	(figure("Hosts with generic AES"; "Hosts whose kernel encrypts by generic C code: load the crypto driver."; 3; "short";
		[now("count(\(m("ktlsd_probe_aes_generic")) == 1) or vector(0)"; "")]) | steps([[0, "green"], [1, "red"]])),
	(figure("Sending in the kernel"; "Of all connections of ktlsd with keys: those whose sending direction is in the kernel or on the device."; 4; "percentunit";
		[now("sum(\(m("ktlsd_connections"; "owner=\"ktlsd\", direction=\"tx\", mode=~\"kernel|device\""))) / sum(\(m("ktlsd_connections"; "owner=\"ktlsd\", direction=\"tx\", mode=~\"user|kernel|device\"")))"; "")])
		| steps([[0, "orange"], [0.9, "green"]])),
	(figure("Receiving in the kernel"; "The same for the receiving direction. Before Linux 6.14 it stays in user space for TLS 1.3."; 4; "percentunit";
		[now("sum(\(m("ktlsd_connections"; "owner=\"ktlsd\", direction=\"rx\", mode=~\"kernel|device\""))) / sum(\(m("ktlsd_connections"; "owner=\"ktlsd\", direction=\"rx\", mode=~\"user|kernel|device\"")))"; "")])
		| steps([[0, "orange"], [0.9, "green"]])),
	figure("On a device"; "Directions of kernel-TLS sockets, of all owners, whose records a network device protects."; 3; "short";
		[now("sum(\(m("ktlsd_connections"; "mode=\"device\""))) or vector(0)"; "")]),
	(figure("Alerts"; "Alerts of ktlsd that fire now."; 4; "short";
		[now("count(ALERTS{alertname=~\"Ktlsd.*\", alertstate=\"firing\", instance=~\"$instance\"}) or vector(0)"; "")]) | steps([[0, "green"], [1, "red"]])),

	row("Hosts"),
	(table("Hosts"; "One line a host; the name leads to its dashboard. Shares are of ktlsd's connections with keys, rates of the last 5 minutes."; 24; 9; "short"; [
		column("max by (instance, version) (\(m("ktlsd_build_info")))"),
		column("max by (instance, release, aes_driver) (\(m("ktlsd_kernel_info")))"),
		column("sum by (instance) (\(m("ktlsd_connections"; "direction=\"tx\"")))"),
		column("avg by (instance) (\(m("instance_owner_direction:ktlsd_in_kernel:ratio"; "owner=\"ktlsd\", direction=\"tx\"")))"),
		column("avg by (instance) (\(m("instance_owner_direction:ktlsd_in_kernel:ratio"; "owner=\"ktlsd\", direction=\"rx\"")))"),
		column("sum by (instance) (\(m("instance_direction_reason:ktlsd_fallbacks:rate5m"; "class=\"host\"")))"),
		column("sum by (instance) (\(m("instance_result:ktlsd_handshakes:rate5m")))"),
		column("max by (instance) (\(m("instance:ktlsd_handshake_failures:ratio_rate5m")))"),
		column("sum by (instance) (\(m("instance_direction_mode:ktlsd_payload_bytes:rate5m")))")];
		{"Time": "", "Value #A": "", "Value #B": "", "Value #C": "Connections", "Value #D": "Sending in kernel", "Value #E": "Receiving in kernel",
		 "Value #F": "Fallbacks to repair", "Value #G": "Handshakes", "Value #H": "Handshakes failed", "Value #I": "Payload",
		 "instance": "Host", "version": "ktlsd", "release": "Kernel", "aes_driver": "AES driver"})
	 | unit_of("Sending in kernel"; "percentunit") | unit_of("Receiving in kernel"; "percentunit") | unit_of("Fallbacks to repair"; "cps")
	 | unit_of("Handshakes"; "cps") | unit_of("Handshakes failed"; "percentunit") | unit_of("Payload"; "binBps")
	 | link_of("Host"; "This host"; "/d/ktlsd-host?var-datasource=${datasource}&var-job=$__all&var-instance=${__value.text}&${__url_time_range}")),

	row("Where records are protected"),
	by_mode("tx"; 8), by_mode("rx"; 8),
	in_kernel(8; "instance, direction"; "{{instance}} {{direction}}"),
	fallback_rate(12; "direction, reason, class"; "{{direction}} {{reason}} ({{class}})"),
	graph("Hosts that fall back and could not"; "New connections a second that fell back to user space for a reason of class host, which can be repaired there."; 12; "cps";
		[query(sum_by("instance, reason"; m("instance_direction_reason:ktlsd_fallbacks:rate5m"; "class=\"host\"")); "{{instance}} {{reason}}")]),

	row("Load"),
	(graph("Payload"; "Of ktlsd's connections, by who protects the records."; 8; "binBps";
		[query(sum_by("direction, mode"; m("instance_direction_mode:ktlsd_payload_bytes:rate5m")); "{{direction}} {{mode}}")]) | stacked),
	(graph("Handshakes"; "A second, by result."; 8; "cps";
		[query(sum_by("result"; m("instance_result:ktlsd_handshakes:rate5m")); "{{result}}")]) | stacked),
	(graph("Connections by owner"; "ktlsd's connections, and the kernel-TLS sockets of other programs."; 8; "short";
		[query(sum_by("owner"; m("ktlsd_connections"; "direction=\"tx\"")); "{{owner}}")]) | stacked),

	row("What goes wrong"),
	decrypt_errors(8),
	(graph("Handshakes that fail, share"; "By host; what limits refuse is not in it."; 8; "percentunit";
		[query(m("instance:ktlsd_handshake_failures:ratio_rate5m"); "{{instance}}")]) | share),
	graph("Connections refused by limits"; "A second, by host and limit."; 8; "cps";
		[query(sum_by("instance, limit"; rate_of("ktlsd_limit_refusals_total"; "")); "{{instance}} {{limit}}")]),
	table("Alerts"; "What fires now. docs/operations.md has a section for each."; 24; 7; "short";
		[column("max by (alertname, severity, instance, reason, direction, limit) (ALERTS{alertname=~\"Ktlsd.*\", alertstate=\"firing\", instance=~\"$instance\"})")];
		{"Time": "", "Value": "", "alertname": "Alert", "severity": "Severity", "instance": "Host", "reason": "Reason", "direction": "Direction", "limit": "Limit"})]);

# ---- one host ----

def host: dashboard("ktlsd-host"; "ktlsd: one host"; "A host's connections, handshakes, bytes, limits, errors and resources."; false; [
	row("This host"),
	(figure("ktlsd"; "Its version."; 3; "none"; [now(m("ktlsd_build_info"); "{{version}}")]) | named),
	(figure("Kernel"; "The running kernel."; 5; "none"; [now(m("ktlsd_kernel_info"); "{{release}}")]) | named),
	(figure("AES driver"; "The kernel's driver of gcm(aes). A generic one is several times slower than user space."; 4; "none"; [now(m("ktlsd_kernel_info"); "{{aes_driver}}")]) | named),
	(figure("Kernel TLS"; "Whether this kernel takes TCP_ULP \"tls\"."; 2; "none"; [now(m("ktlsd_probe_ulp"); "")]) | on_off),
	figure("Serves for"; "Since the server process serves; its counters began there."; 2; "s"; [now(m("ktlsd_uptime_seconds"); "")]),
	(figure("Certificate"; "Until the first of its certificates ends."; 2; "s"; [now("min(\(m("ktlsd_certificate_not_after_timestamp_seconds"))) - time()"; "")])
		| steps([[null, "red"], [86400, "orange"], [1209600, "green"]])),
	figure("Open"; "Connections of ktlsd's that are open, in any state."; 2; "short"; [now("sum(\(m("ktlsd_listener_connections"))) or vector(0)"; "")]),
	(figure("Configuration"; "Whether the last reload took the file as it is."; 2; "none"; [now(m("ktlsd_config_last_reload_successful"); "")])
		| words({"1": ["ok", "green"], "0": ["refused", "red"]})),
	(figure("Not readable"; "Sources of figures that could not be read; their panels are empty."; 2; "short";
		[now("count(\(m("ktlsd_source_up")) == 0) or vector(0)"; "")]) | steps([[0, "green"], [1, "orange"]])),

	row("Connections"),
	by_mode("tx"; 8), by_mode("rx"; 8), in_kernel(8; "direction"; "{{direction}}"),
	(graph("Connections by owner and version"; "ktlsd's connections and the kernel-TLS sockets of other programs."; 8; "short";
		[query(sum_by("owner, version"; m("ktlsd_connections"; "direction=\"tx\"")); "{{owner}} {{version}}")]) | stacked),
	(graph("Connections by cipher"; "Of all owners."; 8; "short";
		[query(sum_by("cipher"; m("ktlsd_connections"; "direction=\"tx\"")); "{{cipher}}")]) | stacked),
	(graph("Connections by state"; "Of ktlsd's as in docs/states.md; of others open or closing."; 8; "short";
		[query(sum_by("state"; m("ktlsd_connections"; "direction=\"tx\"")); "{{state}}")]) | stacked),
	(graph("Connections by listener"; "Open ones."; 8; "short";
		[query(m("ktlsd_listener_connections"); "{{listener}}")]) | stacked),
	graph("Accepted"; "Connections taken from the accept queues a second, by listener."; 8; "cps";
		[query(rate_of("ktlsd_listener_accepted_total"; ""); "{{listener}}")]),
	graph("Ends by reason"; "Connections that ended or were refused a second. Class ok is normal, peer the client's doing, host this host's or the service's."; 8; "cps";
		[query(sum_by("class, reason"; m("instance_class_reason:ktlsd_connection_ends:rate5m")) + " > 0"; "{{class}}: {{reason}}")]),

	row("Handshakes"),
	(graph("Handshakes by result"; "A second."; 8; "cps";
		[query(m("instance_result:ktlsd_handshakes:rate5m"); "{{result}}")]) | stacked),
	graph("Handshake time"; "From accept to the end of the handshake, network and client included, of those that succeeded."; 8; "s";
		[query(m("instance:ktlsd_handshake_duration_seconds:p99_5m"); "99 %"),
		 query("histogram_quantile(0.5, sum by (le) (\(rate_of("ktlsd_handshake_duration_seconds_bucket"; ""))))"; "half")]),
	graph("Handshakes by version, group and resumption"; "Those that succeeded, a second."; 8; "cps";
		[query(sum_by("version, group, resumed"; rate_of("ktlsd_handshakes_total"; "result=\"ok\"")); "{{version}} {{group}} resumed: {{resumed}}")]),
	graph("Handshakes in flight"; "Begun and not yet ended."; 8; "short"; [query(m("ktlsd_handshakes_in_flight"); "in flight")]),
	graph("Rekeys"; "Key updates of ktlsd's connections a second. A refused one ended its connection."; 8; "cps";
		[query(sum_by("direction, initiator, result"; rate_of("ktlsd_rekeys_total"; "")); "{{result}}: {{direction}}, by {{initiator}}")]),
	decrypt_errors(8),

	row("Bytes and records"),
	(graph("Payload"; "Of ktlsd's connections, by who protects the records."; 8; "binBps";
		[query(m("instance_direction_mode:ktlsd_payload_bytes:rate5m"); "{{direction}} {{mode}}")]) | stacked),
	(graph("How bytes were moved"; "splice and sendfile copy nothing to user space."; 8; "binBps";
		[query(sum_by("method"; rate_of("ktlsd_moved_bytes_total"; "")); "{{method}}")]) | stacked),
	graph("Records"; "A second. Mode user: of ktlsd's connections; kernel and device: of all sockets of this network namespace."; 8; "cps";
		[query(m("instance_direction_mode:ktlsd_records:rate5m"); "{{direction}} {{mode}}")]),
	(graph("HTTP responses"; "Of listeners that serve files, a second, by class of status."; 8; "cps";
		[query(sum_by("code"; rate_of("ktlsd_http_responses_total"; "")); "{{code}}")]) | stacked),
	graph("Bad headers"; "Records of ktlsd's connections with a bad header or length, a second. Each ended its connection."; 8; "cps";
		[query(sum_by("mode"; rate_of("ktlsd_framing_errors_total"; "")); "{{mode}}")]),
	(graph("Service behind fails, share"; "Of the connections that ended, those that the backend or a file ended."; 8; "percentunit";
		[query(m("instance:ktlsd_backend_failures:ratio_rate5m"); "backend")]) | share),

	row("Limits"),
	gauge_bars("Limits in use"; "Share of each limit that is in use now."; 8; "percentunit";
		[now("\(m("ktlsd_limit_in_use")) / on (job, instance, limit) \(m("ktlsd_limit"))"; "{{limit}}"),
		 now("\(m("ktlsd_pipes_in_use")) / (\(m("ktlsd_pipes")) > 0)"; "pipes"),
		 now("(\(m("process_open_fds")) / \(m("process_max_fds"))) and on (job, instance) ktlsd_build_info"; "file descriptors")]),
	graph("Refused by limits"; "Connections a second."; 8; "cps";
		[query(sum_by("limit"; rate_of("ktlsd_limit_refusals_total"; "")); "{{limit}}")]),
	graph("Accept queue"; "Connections that wait to be accepted, beside how many may. Beyond it the kernel drops them silently."; 8; "short";
		[query(m("ktlsd_listener_accept_queue_length"); "{{listener}} waiting"),
		 query(m("ktlsd_listener_accept_queue_limit"); "{{listener}} at most")]),
	graph("Pipes"; "In use, and in the pool. Without a free one bytes are copied."; 8; "short";
		[query(m("ktlsd_pipes_in_use"); "in use"), query(m("ktlsd_pipes"); "in the pool")]),
	graph("No pipe was free"; "Times a second, and bytes were copied."; 8; "cps";
		[query(rate_of("ktlsd_pipe_pool_empty_total"; ""); "copied instead")]),
	graph("Accepting paused"; "Times a second, because no file descriptor or memory was left."; 8; "cps";
		[query(rate_of("ktlsd_accept_pauses_total"; ""); "pauses")]),

	row("The observer"),
	graph("Kernel programs"; "Failed ones are not attached: what they count is missing. Waiting: for the tls module."; 6; "short";
		[query(m("ktlsd_observer_programs"); "{{state}}")]),
	graph("Walks over the sockets"; "How long the last walk took, and how old the figures are that it gave."; 6; "s";
		[query(m("ktlsd_observer_walk_duration_seconds"); "duration"), query(m("ktlsd_observer_snapshot_age_seconds"); "age")]),
	graph("Kernel-TLS sockets seen"; "By the last walk, beside the kernel's own count of directions (TlsCurr...)."; 6; "short";
		[query(m("ktlsd_observer_sockets"); "sockets"), query(m("ktlsd_tls_stat_current"); "{{name}}")]),
	graph("Lost"; "What the programs had no room for, in all. Any makes the totals less than the truth."; 6; "short";
		[query(m("ktlsd_observer_lost_total"); "{{what}}")]),

	row("The process"),
	graph("CPU"; "Of the server process: 1 is one CPU."; 6; "short";
		[query("\(rate_of("process_cpu_seconds_total"; "")) and on (job, instance) ktlsd_build_info"; "CPUs")]),
	graph("Memory"; "Of the server process."; 6; "bytes";
		[query("\(m("process_resident_memory_bytes")) and on (job, instance) ktlsd_build_info"; "resident")]),
	graph("File descriptors"; "Open ones; two for each proxied connection."; 6; "short";
		[query("\(m("process_open_fds")) and on (job, instance) ktlsd_build_info"; "open")]),
	graph("Lateness"; "The longest that a worker took to come to a scrape's question, and what the scrape took in all."; 6; "s";
		[query(m("ktlsd_worker_lag_seconds"); "worker"), query(m("ktlsd_scrape_duration_seconds"); "scrape")])]);

# ---- why not offloaded ----

def offload: dashboard("ktlsd-offload"; "ktlsd: offload"; "Is kernel TLS on, on which connections, on the network device or not, and if not, why."; true; [
	words_of(24; 4; "From device to kernel to user space there are two steps down. **Reasons beginning with `device-`** say why records are in the kernel and not on the network device; **others** why they are in user space. `ktlsctl explain REASON` says what happened and what to do; class `host` can be repaired on that host, class `ok` is as it should be. Sockets of other programs (owner `other`) are seen from the kernel: what never asked for kernel TLS is not."),

	row("Can it be?"),
	table("Kernel"; "Whether the kernel takes TCP_ULP \"tls\" (1: yes), and by which driver it encrypts."; 8; 8; "none"; [
		column("max by (instance, release, aes_driver) (\(m("ktlsd_kernel_info")))"),
		column("max by (instance) (\(m("ktlsd_probe_ulp")))"),
		column("max by (instance) (\(m("ktlsd_probe_aes_generic")))")];
		{"Time": "", "Value #A": "", "Value #B": "kTLS", "Value #C": "Generic AES", "instance": "Host", "release": "Kernel", "aes_driver": "AES driver"}),
	table("What the probe could not do"; "Measured with real records, by version, cipher, direction and feature. What is listed here no connection can have."; 8; 8; "none";
		[column("max by (instance, version, cipher, direction, feature) (\(m("ktlsd_probe_result")) == 0)")];
		{"Time": "", "Value": "", "instance": "Host", "version": "Version", "cipher": "Cipher", "direction": "Direction", "feature": "Cannot"}),
	table("Policies"; "What the listeners ask for. 'Set by hand' is undone by the next reload."; 8; 8; "none"; [
		column("max by (instance, listener, direction, policy) (\(m("ktlsd_listener_policy")) == 1)"),
		column("max by (instance, listener) (\(m("ktlsd_listener_policy_overridden")))")];
		{"Time": "", "Value #A": "", "Value #B": "Set by hand", "instance": "Host", "listener": "Listener", "direction": "Direction", "policy": "Policy"}),

	row("Is it?"),
	by_mode("tx"; 8), by_mode("rx"; 8),
	(graph("In the kernel or on the device, by owner"; "Share of the connections with keys. Other programs' sockets are only seen once they use kernel TLS; the direction without it counts as none."; 8; "percentunit";
		[query("avg by (owner, direction) (\(m("instance_owner_direction:ktlsd_in_kernel:ratio")))"; "{{owner}} {{direction}}")]) | share),
	(graph("Records by mode"; "A second."; 12; "cps";
		[query(sum_by("direction, mode"; m("instance_direction_mode:ktlsd_records:rate5m")); "{{direction}} {{mode}}")]) | stacked),
	graph("Put in the kernel, or not"; "Directions of new connections of ktlsd's a second: keys given to the kernel, and fallbacks to user space."; 12; "cps";
		[query(sum_by("direction"; rate_of("ktlsd_kernel_installs_total"; "")); "kernel, {{direction}}"),
		 query(sum_by("direction"; rate_of("ktlsd_fallbacks_total"; "level=\"kernel\"")); "user, {{direction}}")]),

	row("Why not in the kernel?"),
	(graph("Open connections in user space, by reason"; "Of ktlsd's."; 12; "short";
		[query(sum_by("direction, reason, class"; m("ktlsd_fallback_connections"; "level=\"kernel\"")); "{{direction}} {{reason}} ({{class}})")]) | stacked),
	fallback_rate(12; "direction, reason, class"; "{{direction}} {{reason}} ({{class}})"),

	row("Why not on the device?"),
	table("Devices"; "Network devices that support TLS offload. Wanted and not active: the driver does not do it."; 8; 8; "none"; [
		column("max by (instance, device, direction) (\(m("ktlsd_device_feature"; "state=\"supported\"")))"),
		column("max by (instance, device, direction) (\(m("ktlsd_device_feature"; "state=\"wanted\"")))"),
		column("max by (instance, device, direction) (\(m("ktlsd_device_feature"; "state=\"active\"")))"),
		column("sum by (instance, device, direction) (\(m("ktlsd_device_connections")))")];
		{"Time": "", "Value #A": "Supported", "Value #B": "Wanted", "Value #C": "Active", "Value #D": "Sockets", "instance": "Host", "device": "Device", "direction": "Direction"}),
	(graph("Sockets in the kernel and not on a device, by reason"; "Of all owners."; 16; "short";
		[query(sum_by("direction, reason, class"; m("ktlsd_fallback_connections"; "level=\"device\"")); "{{direction}} {{reason}} ({{class}})")]) | stacked),
	(graph("Sockets on devices"; "Directions whose records the device carries."; 8; "short";
		[query(sum_by("device, direction"; m("ktlsd_device_connections")); "{{device}} {{direction}}")]) | stacked),
	graph("Sockets whose device went down"; "The kernel carries them although ss(8) says hw."; 8; "short";
		[query(sum_by("direction"; m("ktlsd_device_degraded_connections")); "{{direction}}")]),
	graph("Resynchronisations"; "Between kernel and device, a second. After lost packets some are due."; 8; "cps";
		[query(sum_by("instance, direction"; m("instance_direction:ktlsd_resyncs:rate5m")); "{{instance}} {{direction}}")]),
	graph("Offers to devices"; "Keys that the kernel offered to a device, a second."; 8; "cps";
		[query(sum_by("direction, result"; rate_of("ktlsd_kernel_events_total"; "event=\"device\"")); "{{result}}: {{direction}}")]),
	graph("Packets past the device"; "Sockets on a device whose packets began to be encrypted by the kernel, as they left by another way; and devices that went down. A second."; 16; "cps";
		[query(sum_by("event"; rate_of("ktlsd_kernel_events_total"; "event=~\"soft-packet|device-down\"")); "{{event}}")]),

	row("What goes wrong in the kernel?"),
	graph("Kernel events that failed"; "Of all sockets, a second: keys and rekeys refused, records that did not decrypt, bad headers."; 8; "cps";
		[query(sum_by("event, direction"; rate_of("ktlsd_kernel_events_total"; "result=~\"failed|refused\"")); "{{event}} {{direction}}")]),
	graph("The kernel's own counters of trouble"; "/proc/net/tls_stat, a second. A retry decrypts a record twice: TLS 1.3 padding was not expected."; 8; "cps";
		[query(sum_by("name"; rate_of("ktlsd_tls_stat_total"; "name=~\".*(Error|Retry|Violation|Resync).*\"")) + " > 0"; "{{name}}")]),
	decrypt_errors(8),
	graph("Rekeys of all sockets"; "A second, by result."; 8; "cps";
		[query(sum_by("direction, result"; rate_of("ktlsd_kernel_events_total"; "event=\"rekey\"")); "{{result}}: {{direction}}")]),
	graph("Sockets that come and go"; "First keys set and sockets closed, a second."; 8; "cps";
		[query(sum_by("event, direction"; rate_of("ktlsd_kernel_events_total"; "event=~\"keys|close\"")); "{{event}} {{direction}}")]),
	graph("Observer"; "What the programs lost, in all, and programs that are not attached. Any makes the figures above incomplete."; 8; "short";
		[query(sum_by("what"; m("ktlsd_observer_lost_total")); "{{what}} lost"),
		 query(sum_by("state"; m("ktlsd_observer_programs"; "state=\"failed\"")); "programs {{state}}")])]);

{fleet: fleet, host: host, offload: offload}[$name]
