/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: what a good file becomes, and what a bad one is told. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/suite.h"
#include "base/util.h"
#include "host/config.h"
#include "host/config_key.h"
#include "host/config_pack.h"
#include "host/config_parse.h"
#include "host/config_source.h"

#define PEM(label) "-----BEGIN " label "-----\nAAAA\n-----END " label "-----\n"

static char directory[] = "/tmp/test_config.XXXXXX";

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static int enter_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chdir(directory))
		return -1;
	write_file("web.pem", PEM("CERTIFICATE") PEM("CERTIFICATE"), 0644);
	write_file("web.key", PEM("EC PARAMETERS") PEM("EC PRIVATE KEY"), 0600);
	write_file("open.key", PEM("PRIVATE KEY"), 0644);
	write_file("group.key", PEM("PRIVATE KEY"), 0640);
	write_file("secret.key", PEM("ENCRYPTED PRIVATE KEY"), 0600);
	write_file("empty", "", 0600);
	return mkdir("directory", 0700);
}

static int leave_directory(void **state)
{
	static const char *const names[] = { "web.pem",	   "web.key", "open.key",  "group.key",
					     "secret.key", "empty",   "ktlsd.yaml" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(names[i]);
	rmdir("directory");
	return rmdir(directory);
}

static struct config *load(const char *text, struct config_error *error)
{
	*error = (struct config_error){ "" };
	write_file("ktlsd.yaml", text, 0644);
	return config_load("ktlsd.yaml", error);
}

static struct config *load_good(const char *text)
{
	struct config_error error;
	struct config *config = load(text, &error);

	if (!config)
		fail_msg("refused: %s", error.text);
	return config;
}

static void assert_error(const char *text, const char *expected)
{
	struct config_error error;
	struct config *config = load(text, &error);

	if (config)
		fail_msg("accepted:\n%s\nexpected: %s", text, expected);
	if (!strstr(error.text, expected))
		fail_msg("said:     %s\nexpected: %s", error.text, expected);
	assert_null(strpbrk(error.text, "\n\r\t"));
	assert_true(!strncmp(error.text, "ktlsd.yaml", 10));
}

/* A user that exists everywhere. */
#define NOBODY "user: nobody\n"
/* A listener to which lines of two blanks may be added. */
#define WEB                                    \
	NOBODY "listeners:\n"                  \
	       "- name: web\n"                 \
	       "  address: 127.0.0.1:8443\n"   \
	       "  proxy: tcp:127.0.0.1:8080\n" \
	       "  certificates: [{chain: web.pem, key: web.key}]\n"

/* A listener whose files: are to be finished. */
#define FILES                                                       \
	NOBODY "listeners:\n"                                       \
	       "- name: web\n"                                      \
	       "  address: 127.0.0.1:8443\n"                        \
	       "  certificates: [{chain: web.pem, key: web.key}]\n" \
	       "  files: {"

static void test_metrics(void **state)
{
	struct config *config;

	(void)state;
	config = load_good(NOBODY "metrics: off\n");
	assert_int_equal(config->metrics.kind, CONFIG_ENDPOINT_OFF);
	assert_false(config->metrics.is_default);
	config_free(config);
	config = load_good(NOBODY "metrics: 127.0.0.1:9464\n");
	assert_int_equal(config->metrics.kind, CONFIG_ENDPOINT_TCP);
	assert_false(config->metrics.is_default);
	assert_int_equal(config->metrics.address.len, sizeof(struct sockaddr_in));
	config_free(config);
	config = load_good(NOBODY "metrics: unix:m.sock\n");
	assert_int_equal(config->metrics.kind, CONFIG_ENDPOINT_UNIX);
	assert_int_equal(config->metrics.address.bytes[2], '/');
	config_free(config);
}

static void test_files(void **state)
{
	const struct config_listener *l;
	struct config *config;
	char root[64];

	(void)state;
	if (!geteuid())
		assert_error(FILES "root: .}\n", "cannot be opened by user nobody: Permission");
	assert_int_equal(chmod(directory, 0755), 0);
	config = load_good(FILES "root: .}\n");
	l = &config->listeners[0];
	assert_int_equal(l->backend.kind, CONFIG_BACKEND_FILES);
	snprintf(root, sizeof(root), "%s/.", directory);
	assert_string_equal(l->files.root, root);
	assert_int_equal(strncmp(l->backend.text, "files:/", 7), 0);
	assert_string_equal(l->files.index, "index.html");
	assert_int_equal(l->files.request_max, 8192);
	assert_int_equal(l->files.zerocopy, 0);
	assert_int_equal(l->timeouts.request, 10000);
	config_free(config);
	config = load_good(FILES "root: ., index: a, request-size: 512, zerocopy: on}\n");
	l = &config->listeners[0];
	assert_string_equal(l->files.index, "a");
	assert_int_equal(l->files.request_max, 512);
	assert_int_equal(l->files.zerocopy, 1);
	config_free(config);
}

static void test_defaults(void **state)
{
	struct config *config = load_good(WEB);
	const struct config_listener *l = &config->listeners[0];
	char path[128];

	(void)state;
	assert_string_equal(config->path, "ktlsd.yaml");
	assert_string_equal(config->user, "nobody");
	assert_string_equal(config->group, "nogroup");
	assert_string_equal(config->runtime_directory, "/run/ktlsd");
	assert_string_equal(config->api_socket, "/run/ktlsd/api.sock");
	assert_string_equal(config->metrics.text, "127.0.0.1:9464");
	assert_int_equal(config->metrics.kind, CONFIG_ENDPOINT_TCP);
	assert_true(config->metrics.is_default);
	assert_int_equal(config->workers, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(config->limits.connections, 100000);
	assert_int_equal(config->limits.handshakes, 1000);
	assert_int_equal(config->limits.handshake_rate, 0);
	assert_int_equal(config->limits.connections_per_address, 0);
	assert_int_equal(config->limits.pipes, 1024);
	assert_int_equal(config->n_listeners, 1);
	assert_string_equal(l->name, "web");
	assert_int_equal(l->n_certificates, 1);
	snprintf(path, sizeof(path), "%s/web.key", directory);
	assert_string_equal(l->certificates[0].key_path, path);
	assert_int_equal(l->n_alpn, 0);
	assert_null(l->ciphers);
	assert_int_equal(l->version_min, TLS12);
	assert_int_equal(l->version_max, TLS13);
	assert_int_equal(l->timeouts.handshake, 10000);
	assert_int_equal(l->timeouts.connect, 5000);
	assert_int_equal(l->timeouts.idle, 300000);
	assert_int_equal(l->timeouts.stall, 30000);
	assert_int_equal(l->timeouts.drain, 5000);
	assert_int_equal(l->timeouts.total, 0);
	assert_int_equal(l->keepalive.idle, 60);
	assert_int_equal(l->keepalive.interval, 10);
	assert_int_equal(l->keepalive.count, 6);
	assert_int_equal(l->user_timeout_ms, 60000);
	assert_int_equal(l->policy.dir[TX], POLICY_AUTO);
	assert_int_equal(l->policy.dir[RX], POLICY_AUTO);
	assert_int_equal(config->n_warnings, 0);
	config_free(config);
}

static const char full[] = NOBODY "group: daemon\n"
				  "runtime-directory: /run/other\n"
				  "api: api/socket\n"
				  "workers: 3\n"
				  "limits: {connections: 10, handshakes: 9, pipes: 0, "
				  "handshake-rate: 8, connections-per-address: 7}\n"
				  "timeouts: {handshake: 1500ms, idle: 1h}\n"
				  "listeners:\n"
				  "- name: web\n"
				  "  address: '[::1]:443'\n"
				  "  proxy: unix:app.sock\n"
				  "  certificates:\n"
				  "  - {chain: web.pem, key: web.key}\n"
				  "  - chain: web.pem\n"
				  "    key: group.key\n"
				  "  alpn: [h2, http/1.1]\n"
				  "  versions: [1.3]\n"
				  "  ciphers: [TLS_CHACHA20_POLY1305_SHA256, "
				  "TLS_AES_128_GCM_SHA256]\n"
				  "  keepalive: {idle: 2m, interval: 5s, count: 3}\n"
				  "  user-timeout: 0\n"
				  "  timeouts: {idle: 30d, drain: 1s, total: 2d}\n"
				  "  ktls: {tx: require, rx: off}\n"
				  "- name: raw.2\n"
				  "  address: 0.0.0.0:8443\n"
				  "  proxy: unix:@app\n"
				  "  certificates: [{chain: web.pem, key: open.key}]\n"
				  "  alpn:\n";

static void check_full(const struct config *config)
{
	const struct config_listener *web = &config->listeners[0], *raw = &config->listeners[1];
	struct sockaddr_un sun = { 0 };
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	char path[128];

	assert_string_equal(config->group, "daemon");
	assert_string_equal(config->runtime_directory, "/run/other");
	snprintf(path, sizeof(path), "%s/api/socket", directory);
	assert_string_equal(config->api_socket, path);
	assert_int_equal(config->workers, 3);
	assert_int_equal(config->limits.connections, 10);
	assert_int_equal(config->limits.handshakes, 9);
	assert_int_equal(config->limits.handshake_rate, 8);
	assert_int_equal(config->limits.connections_per_address, 7);
	assert_int_equal(config->limits.pipes, 0);
	assert_int_equal(config->n_listeners, 2);
	memcpy(&sin6, web->address.bytes, sizeof(sin6));
	assert_int_equal(web->address.len, sizeof(sin6));
	assert_int_equal(sin6.sin6_family, AF_INET6);
	assert_int_equal(sin6.sin6_port, htons(443));
	assert_memory_equal(&sin6.sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback));
	assert_int_equal(web->backend.kind, CONFIG_BACKEND_UNIX);
	assert_string_equal(web->backend.text, "unix:app.sock");
	memcpy(&sun, web->backend.address.bytes, sizeof(sun));
	snprintf(path, sizeof(path), "%s/app.sock", directory);
	assert_string_equal(sun.sun_path, path);
	assert_int_equal(web->backend.address.len,
			 offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	assert_int_equal(web->n_certificates, 2);
	assert_string_equal(web->certificates[1].chain, PEM("CERTIFICATE") PEM("CERTIFICATE"));
	assert_int_equal(web->certificates[1].chain_len, strlen(web->certificates[1].chain));
	assert_string_equal(web->certificates[1].key, PEM("PRIVATE KEY"));
	assert_int_equal(web->certificates[1].key_len, strlen(web->certificates[1].key));
	assert_int_equal(web->n_alpn, 2);
	assert_string_equal(web->alpn[0], "h2");
	assert_string_equal(web->alpn[1], "http/1.1");
	assert_int_equal(web->version_min, TLS13);
	assert_int_equal(web->version_max, TLS13);
	assert_string_equal(web->ciphers, "TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES128-GCM-SHA256");
	assert_int_equal(web->keepalive.idle, 120);
	assert_int_equal(web->keepalive.interval, 5);
	assert_int_equal(web->keepalive.count, 3);
	assert_int_equal(web->user_timeout_ms, 0);
	assert_int_equal(web->timeouts.handshake, 1500);
	assert_int_equal(web->timeouts.connect, 5000);
	assert_int_equal(web->timeouts.idle, UINT32_C(2592000000));
	assert_int_equal(web->timeouts.drain, 1000);
	assert_int_equal(web->timeouts.total, 172800000);
	assert_int_equal(raw->timeouts.idle, 3600000);
	assert_int_equal(web->policy.dir[TX], POLICY_REQUIRE);
	assert_int_equal(web->policy.dir[RX], POLICY_OFF);
	memcpy(&sin, raw->address.bytes, sizeof(sin));
	assert_int_equal(raw->address.len, sizeof(sin));
	assert_int_equal(sin.sin_port, htons(8443));
	assert_int_equal(raw->backend.address.len, offsetof(struct sockaddr_un, sun_path) + 4);
	assert_memory_equal(raw->backend.address.bytes + offsetof(struct sockaddr_un, sun_path),
			    "\0app", 4);
	assert_int_equal(raw->n_alpn, 0);
}

static void test_everything_set(void **state)
{
	struct config *config = load_good(full);

	(void)state;
	check_full(config);
	assert_int_equal(config->n_warnings, 1);
	assert_non_null(strstr(config->warnings[0], "ktlsd.yaml:26: "
						    "listeners[1].certificates[0].key: the key "
						    "file"));
	assert_non_null(strstr(config->warnings[0], "has mode 0644; run 'chmod 0600' on it"));
	config_free(config);
}

static void test_pure_observer(void **state)
{
	static const char *const texts[] = { NOBODY, NOBODY "listeners:\n",
					     NOBODY "listeners: []\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config *config = load_good(texts[i]);

		assert_int_equal(config->n_listeners, 0);
		config_free(config);
	}
}

static const struct {
	const char *text;
	const char *expected;
} bad[] = {
	/* not YAML, or more than a configuration needs */
	{ "user: [nobody\n", "ktlsd.yaml:2: did not find expected ',' or ']'" },
	{ "user: nobody\n\tgroup: x\n", "ktlsd.yaml:2: found a tab character" },
	{ "user: \xff\xfe\n", "ktlsd.yaml:1: invalid leading UTF-8 octet" },
	{ "user: a\n---\nuser: b\n", "ktlsd.yaml:2: a second document" },
	{ "user: &u nobody\ngroup: *u\n", "ktlsd.yaml:2: aliases are not supported" },
	{ "[[[[[[[[[[[[[]]]]]]]]]]]]]\n", "ktlsd.yaml:1: nested too deep" },
	{ "user: \"no\\0body\"\n", "ktlsd.yaml:1: a value holds a control character" },
	{ "user: |\n  two\n  lines\n", "ktlsd.yaml:1: a value holds a control character" },
	{ "? [a, b]\n: c\n", "ktlsd.yaml:1: a key must be a single word" },
	{ "nobody\n", "ktlsd.yaml:1: write the keys as a mapping" },
	{ "- user: nobody\n", "ktlsd.yaml:1: write the keys as a mapping" },
	/* the shape */
	{ "user: nobody\n\ncolour: red\n", "ktlsd.yaml:3: colour: unknown key; the keys here are "
					   "user, group, runtime-directory, api, metrics, workers, "
					   "limits" },
	{ "'a: b': c\n", "ktlsd.yaml:1: a: b: unknown key" },
	{ "\"a\\nb\": c\n", "ktlsd.yaml:1: a value holds a control character" },
	{ "user: nobody\nuser: root\n", "ktlsd.yaml:2: user: given twice; keep one" },
	{ "user: [nobody]\n", "ktlsd.yaml:1: user: expects a text, not a list or a mapping" },
	{ "limits: 12\n", "ktlsd.yaml:1: limits: expects a mapping with the keys connections, "
			  "handshakes, handshake-rate, connections-per-address, key-records, "
			  "pipes" },
	{ "limits:\n  pipes: 1\n  files: 3\n", "ktlsd.yaml:3: limits.files: unknown key; the keys "
					       "here are connections, handshakes, handshake-rate, "
					       "connections-per-address, key-records, pipes" },
	{ "listeners: web\n", "ktlsd.yaml:1: listeners: expects a list of mappings, each with the "
			      "keys name, address," },
	{ "listeners:\n- name: a\n- web\n", "ktlsd.yaml:3: listeners[1]: expects a mapping with "
					    "the "
					    "keys name, address," },
	{ WEB "  ktls: {tx: on, rc: on}\n", "ktlsd.yaml:7: listeners[0].ktls.rc: unknown key; the "
					    "keys here are tx, rx" },
	{ WEB "  alpn: h2\n", "ktlsd.yaml:7: listeners[0].alpn: expects a list, each entry an ALPN "
			      "protocol name" },
	{ WEB "  alpn:\n  - h2\n  - [h3]\n", "ktlsd.yaml:9: listeners[0].alpn[1]: expects an ALPN "
					     "protocol name, not a list or a mapping" },
	{ WEB "  ktls: auto\n", "ktlsd.yaml:7: listeners[0].ktls: expects a mapping with the keys "
				"tx, rx" },
	/* values */
	{ "metrics: on\n", "metrics: the address 'on' " },
	{ "metrics: 'unix:'\n", "needs a path of 1 to 107 bytes" },
	{ "metrics: unix:@name\n", "metrics: the socket 'unix:@name' is abstract" },
	{ "metrics: {address: 127.0.0.1:9464}\n", "expects an address with a port, unix:PATH or "
						  "off, not a list or a mapping" },
	{ "workers: 0\n", "ktlsd.yaml:1: workers: expects a number or auto, 1 to 1024, not '0'" },
	{ "workers: -1\n", "workers: expects a number or auto, 1 to 1024, not '-1'" },
	{ "workers: many\n", "workers: expects a number or auto, 1 to 1024, not 'many'" },
	{ "limits: {connections: 1e9}\n", "limits.connections: expects a number, 1 to 10000000" },
	{ "limits: {pipes: 99999999999999999999}\n", "limits.pipes: expects a number, 0 to 65536" },
	{ "timeouts:\n  idle: 5\n", "ktlsd.yaml:2: timeouts.idle: expects a duration, 1s to 30d, "
				    "not '5'" },
	{ "timeouts: {idle: 31d}\n", "timeouts.idle: expects a duration, 1s to 30d, not '31d'" },
	{ "timeouts: {stall: 1 s}\n", "timeouts.stall: expects a duration, 1s to 1d" },
	{ "user: abcdefghijklmnopqrstuvwxyz0123456\n", "user: expects a text, up to 31 bytes" },
	{ "runtime-directory: "
	  "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
	  "123456789/1\n",
	  "runtime-directory: expects a path, up to 80 bytes" },
	{ WEB "  timeouts: {connect: soon}\n", "ktlsd.yaml:7: listeners[0].timeouts.connect: "
					       "expects "
					       "a duration, 100ms to 10m, not 'soon'" },
	{ WEB "  keepalive: {idle: 1500ms}\n", "keepalive.idle: expects a duration in whole "
					       "seconds, "
					       "1s to 32767s, not '1500ms'" },
	{ WEB "  keepalive: {count: 128}\n", "keepalive.count: expects a number, 1 to 127" },
	{ WEB "  ktls: {tx: maybe}\n", "ktlsd.yaml:7: listeners[0].ktls.tx: expects off, auto, on "
				       "or require, not 'maybe'" },
	{ WEB "  versions: [1.1, 1.3]\n", "listeners[0].versions[0]: expects 1.2 or 1.3, not "
					  "'1.1'" },
	{ WEB "  versions: [1.3, 1.3]\n", "listeners[0].versions[1]: '1.3' is given twice" },
	{ WEB "  alpn: [h2, '']\n", "listeners[0].alpn[1]: '' is no ALPN protocol name" },
	{ WEB "  alpn: ['a,b']\n", "listeners[0].alpn[0]: 'a,b' is no ALPN protocol name" },
	{ WEB "  ciphers: [AES128-SHA]\n", "listeners[0].ciphers[0]: ktlsd does not speak "
					   "'AES128-SHA'" },
	{ WEB "  ciphers:\n  - TLS_AES_128_GCM_SHA256\n", "ktlsd.yaml:7: listeners[0].ciphers: no "
							  "suite of TLS 1.2" },
	{ WEB "  versions: [1.3]\n  ciphers: [TLS_AES_128_GCM_SHA256,\n"
	      "            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
	  "ktlsd.yaml:9: listeners[0].ciphers[1]: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' is of "
	  "TLS "
	  "1.2" },
	/* listeners */
	{ "listeners:\n- {}\n", "ktlsd.yaml:2: listeners[0].name: is missing" },
	{ "listeners:\n- name: a\n", "ktlsd.yaml:2: listeners[0].address: is missing; it takes an "
				     "address with a port" },
	{ "listeners:\n- name: a\n  address: 127.0.0.1:1\n", "ktlsd.yaml:2: listeners[0].proxy: is "
							     "missing, and files too" },
	{ "listeners:\n- name: a b\n", "listeners[0].name: expects a name of letters" },
	{ "listeners:\n- {name: a, address: localhost}\n", "address 'localhost' needs a port" },
	{ "listeners:\n- {name: a, address: 'x:0'}\n", "needs a port from 1 to 65535" },
	{ "listeners:\n- {name: a, address: 'x:65536'}\n", "needs a port from 1 to 65535" },
	{ "listeners:\n- {name: a, address: '::1:443'}\n", "is IPv6 without brackets" },
	{ "listeners:\n- {name: a, address: '[::1:443'}\n", "has no ']'" },
	{ "listeners:\n- {name: a, address: '*:443'}\n", "write 0.0.0.0 or [::]" },
	{ "listeners:\n- {name: a, address: '1.2.3.4:1', proxy: 'http://x'}\n", "ktlsd.yaml:2: "
										"listeners[0]."
										"proxy: expects "
										"tcp:HOST:PORT, "
										"unix:PATH or "
										"unix:@NAME, not "
										"'http://x'" },
	{ "listeners:\n- {name: a, address: '1.2.3.4:1', proxy: 'tcp:x'}\n", "listeners[0].proxy: "
									     "the address 'x' "
									     "needs a port" },
	{ "listeners:\n- {name: a, address: '1.2.3.4:1', proxy: 'unix:'}\n", "needs a path of 1" },
	{ "listeners:\n- {name: a, address: '1.2.3.4:1', proxy: 'unix:@'}\n", "needs a path of 1" },
	{ WEB "  files: {root: .}\n", "ktlsd.yaml:5: listeners[0].proxy: stands beside files" },
	{ FILES "root: no}\n", "ktlsd.yaml:6: listeners[0].files.root: the directory '/tmp/" },
	{ FILES "root: no}\n", "/no' cannot be opened: No such file or directory" },
	{ FILES "root: web.pem}\n", "/web.pem' cannot be opened: Not a directory" },
	{ FILES "index: a.html}\n", "ktlsd.yaml:6: listeners[0].files.root: is missing" },
	{ FILES "root: ., index: a/b}\n", "ktlsd.yaml:6: listeners[0].files.index: expects a file "
					  "name, up to 255 bytes, not 'a/b'" },
	{ FILES "root: ., zerocopy: yes}\n", "files.zerocopy: expects on or off, not 'yes'" },
	{ FILES "root: ., request-size: 16385}\n", "files.request-size: expects a number, 512 to "
						   "16384" },
	{ NOBODY "listeners:\n- {name: a, address: '127.0.0.1:1', proxy: 'tcp:127.0.0.1:1'}\n",
	  "ktlsd.yaml:3: listeners[0].certificates: is missing; it takes a list of at least 1" },
	{ WEB "- name: web\n  address: 127.0.0.1:8444\n  proxy: tcp:127.0.0.1:8080\n"
	      "  certificates: [{chain: web.pem, key: web.key}]\n",
	  "ktlsd.yaml:7: listeners[1].name: 'web' is listeners[0]'s" },
	{ WEB "- name: b\n  address: 127.0.0.1:8443\n  proxy: tcp:127.0.0.1:8080\n"
	      "  certificates: [{chain: web.pem, key: web.key}]\n",
	  "ktlsd.yaml:8: listeners[1].address: '127.0.0.1:8443' is the address of listener 'web'" },
	/* what the file names */
	{ NOBODY "group: no-such-group\n", "group: there is no group 'no-such-group'" },
	{ "\n\nuser: no-such-user\n", "ktlsd.yaml:3: user: there is no user 'no-such-user'" },
};

static void test_bad_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (geteuid() && strstr(bad[i].expected, "there is no"))
			continue; /* who is not root cannot change user: not looked up */
		assert_error(bad[i].text, bad[i].expected);
	}
}

/* A listener with this certificate on line 7. */
static void assert_certificate_error(const char *chain, const char *key, const char *expected)
{
	char text[512];

	snprintf(text, sizeof(text),
		 NOBODY "listeners:\n- name: web\n  address: 127.0.0.1:8443\n"
			"  proxy: tcp:127.0.0.1:8080\n  certificates:\n"
			"  - {chain: %s, key: %s}\n",
		 chain, key);
	assert_error(text, expected);
}

static void test_bad_certificates(void **state)
{
	(void)state;
	assert_certificate_error("no.pem", "web.key",
				 "ktlsd.yaml:7: listeners[0].certificates[0].chain: the file "
				 "'/tmp/");
	assert_certificate_error("no.pem", "web.key",
				 "/no.pem' cannot be opened: No such file or directory");
	assert_certificate_error("web.pem", "no.key",
				 "ktlsd.yaml:7: listeners[0].certificates[0].key: the file '/tmp/");
	assert_certificate_error("empty", "web.key", "holds no PEM certificate");
	assert_certificate_error("web.pem", "empty", "holds no PEM private key");
	assert_certificate_error("web.key", "web.key", "holds a private key; keep that in a file");
	assert_certificate_error("web.pem", "web.pem",
				 "holds a certificate; the private key belongs");
	assert_certificate_error("web.pem", "secret.key", "is encrypted; decrypt it with");
	assert_certificate_error("directory", "web.key", "is no regular file");
	assert_certificate_error("''", "web.key", "[0].chain: is missing");
	assert_certificate_error("web.pem", "''", "[0].key: is missing");
}

static void test_no_file(void **state)
{
	struct config_error error;

	(void)state;
	assert_null(config_load("no/such/file", &error));
	assert_string_equal(error.text, "no/such/file: cannot be read: No such file or directory");
	assert_null(config_load("directory", &error));
	assert_string_equal(error.text, "directory: cannot be read: Is a directory");
	assert_null(config_load("/dev/zero", &error));
	assert_string_equal(error.text, "/dev/zero: is larger than 1 MiB; is it a configuration?");
}

/* The ground rule of the secret's memory: a child has zeros. */
static void test_key_stays_in_this_process(void **state)
{
	struct config *config = load_good(WEB);
	int status = 0;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(config->listeners[0].certificates[0].key[0] != '\0');
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(config->listeners[0].certificates[0].key[0], '-');
	config_free(config);
}

static void test_pack_and_unpack(void **state)
{
	struct config *config = load_good(full), *again;
	struct config_error error = { "" };
	_cleanup_fd_ int fd = config_pack(config);
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	again = config_unpack(fd, &error);
	assert_string_equal(error.text, "");
	assert_non_null(again);
	check_full(again);
	assert_string_equal(again->path, "ktlsd.yaml");
	assert_int_equal(again->n_warnings, 0);
	config_free(again);
	config_free(config);
}

static uint8_t *packed_bytes(size_t *len)
{
	struct config *config = load_good(full);
	_cleanup_fd_ int fd = config_pack(config);
	struct stat st;
	uint8_t *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	bytes = malloc(*len);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, *len, 0), st.st_size);
	config_free(config);
	return bytes;
}

static void test_unpack_cut_off(void **state)
{
	size_t len;
	_cleanup_free_ uint8_t *bytes = packed_bytes(&len);
	struct config_error error = { "" };
	struct config *config = config_pack_decode(bytes, len, &error);

	(void)state;
	assert_non_null(config);
	config_free(config);
	for (size_t n = 0; n < len; n++) {
		_cleanup_free_ uint8_t *part = malloc(n + 1); /* of the very size for ASan */

		assert_non_null(part);
		part = realloc(part, n ? n : 1);
		memcpy(part, bytes, n);
		error.text[0] = '\0';
		assert_null(config_pack_decode(part, n, &error));
		assert_non_null(strstr(error.text, "packed configuration: byte "));
	}
}

static void test_unpack_too_long(void **state)
{
	size_t len;
	_cleanup_free_ uint8_t *bytes = packed_bytes(&len);
	struct config_error error;

	(void)state;
	bytes = realloc(bytes, len + 1);
	assert_non_null(bytes);
	bytes[len] = 0;
	assert_null(config_pack_decode(bytes, len + 1, &error));
}

static void test_unpack_other_descriptors(void **state)
{
	static const char expected[] = "packed configuration: the descriptor is no sealed memfd";
	size_t len;
	_cleanup_free_ uint8_t *bytes = packed_bytes(&len);
	_cleanup_fd_ int file = open("web.pem", O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int memfd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct config_error error;

	(void)state;
	assert_true(file >= 0 && memfd >= 0);
	assert_null(config_unpack(file, &error));
	assert_memory_equal(error.text, expected, strlen(expected));
	assert_int_equal(write(memfd, bytes, len), (ssize_t)len);
	assert_null(config_unpack(memfd, &error));
	assert_memory_equal(error.text, expected, strlen(expected));
	assert_null(config_unpack(-1, &error));
}

/* Defaults are written as a user would: each has to pass its own check. */
static void test_table(void **state)
{
	const struct config_key *key;

	(void)state;
	for (size_t i = 0; (key = config_key_at(i)); i++) {
		assert_ptr_equal(config_key_in(key->map, key->key), key);
		assert_true(key->min <= key->max);
		assert_true(strlen(key->help) > 10 && key->help[strlen(key->help) - 1] == '.');
	}
	assert_string_equal(config_key_find("listeners[12].ktls.tx")->key, "tx");
	assert_int_equal(config_key_find("listeners[0]")->type, TYPE_LISTENER);
	assert_null(config_key_find("listeners[0].nothing"));
	assert_null(config_key_find("user.name"));
	assert_null(config_key_find(""));
}

#ifdef KTLSD_SOURCE_DIR
static struct config *parse(const char *text)
{
	struct config_error error = { "" };
	struct config_source source;
	struct config *config = NULL;

	if (!config_source_init(&source, "/etc/ktlsd/ktlsd.yaml", text, strlen(text), &error))
		config = config_parse(&source);
	if (!config)
		fail_msg("refused: %s", error.text);
	config_source_fini(&source);
	return config;
}

/* "    #key: value" becomes "    key: value"; prose, "# Text", stays a comment. */
static void uncomment(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		char *hash;

		line += *line == '\n';
		hash = line + strspn(line, " ");
		if (hash[0] == '#' && hash[1] >= 'a' && hash[1] <= 'z')
			memmove(hash, hash + 1, strlen(hash));
	}
}

/* The example is what people start from: it parses, and the defaults it shows are the defaults. */
static void test_example(void **state)
{
	struct config *config, *shown;
	const struct config_listener *l, *m;
	char text[16384];
	FILE *f = fopen(KTLSD_SOURCE_DIR "/docs/ktlsd.yaml.example", "re");
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	assert_true(len > 0 && len < sizeof(text) - 1);
	text[len] = '\0';
	fclose(f);
	config = parse(text);
	uncomment(text);
	shown = parse(text);
	assert_string_equal(shown->group, shown->user);
	assert_string_equal(shown->runtime_directory, config->runtime_directory);
	assert_string_equal(shown->api_socket, config->api_socket);
	assert_int_equal(shown->workers, config->workers);
	assert_memory_equal(&shown->limits, &config->limits, sizeof(config->limits));
	assert_int_equal(config->n_listeners, 1);
	assert_int_equal(shown->n_listeners, 1);
	l = &config->listeners[0];
	m = &shown->listeners[0];
	assert_null(l->ciphers);
	assert_non_null(m->ciphers);
	assert_int_equal(m->version_min, l->version_min);
	assert_int_equal(m->version_max, l->version_max);
	assert_memory_equal(&m->timeouts, &l->timeouts, sizeof(l->timeouts));
	assert_memory_equal(&m->keepalive, &l->keepalive, sizeof(l->keepalive));
	assert_int_equal(m->user_timeout_ms, l->user_timeout_ms);
	assert_memory_equal(&m->policy, &l->policy, sizeof(l->policy));
	config_free(config);
	config_free(shown);
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_everything_set),
		cmocka_unit_test(test_pure_observer),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_bad_certificates),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_key_stays_in_this_process),
		cmocka_unit_test(test_pack_and_unpack),
		cmocka_unit_test(test_unpack_cut_off),
		cmocka_unit_test(test_unpack_too_long),
		cmocka_unit_test(test_unpack_other_descriptors),
		cmocka_unit_test(test_table),
#ifdef KTLSD_SOURCE_DIR
		cmocka_unit_test(test_example),
#endif
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
