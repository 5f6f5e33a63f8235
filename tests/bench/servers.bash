# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The contenders: how each is configured and started, one worker each. To be sourced by run.
#
#	server_start SUBJECT CERTIFICATE BACKEND	starts it at $IP, on a port of its own; BACKEND is
#							ADDRESS:PORT, CERTIFICATE a name of certificates()
#	server_stop SUBJECT				ends it
#	server_port SUBJECT				where it listens
#	server_pids SUBJECT				all its processes
#
# A subject is KIND or KIND-VARIANT: ktlsd-user keeps records in user space, ktlsd-kernel demands
# kTLS, ktlsd-tx only for sending, ktlsd-files-user and -kernel serve $T/www; nginx-stream and nginx-http are proxies, nginx-files and
# nginx-ktls-files serve $T/www, nginx-return answers by itself; -noifma hides that instruction set from
# OpenSSL, and -1ticket has it send one session ticket instead of two, as ktlsd does; hitch, stunnel, haproxy.
# What they all get: TLS 1.3 (SUITE13) or, if VERSION is 1.2, SUITE12; X25519; no log per connection.
#
# SERVER_CPU is the CPU they are bound to, or empty.

declare -gA SERVER_PID=() SERVER_PORT=()
SERVER_NEXT_PORT=4001
SERVER_CPU=''
VERSION=1.3

server_port() { # SUBJECT
	echo "${SERVER_PORT[$1]}"
}

# A file of the certificate with its key, as some want it; prints its name.
server_both_pem() { # CERTIFICATE
	cat "$T/$1.key" "$T/$1.pem" >"$T/$1.both.pem"
	echo "$T/$1.both.pem"
}

# ---- configurations, on stdout ----

ktlsd_config() { # VARIANT PORT CERTIFICATE BACKEND
	local policy serve="proxy: tcp:$4" user=nobody
	case $1 in
	*user*) policy='{tx: off, rx: off}' ;;
	*tx* | *files*) policy='{tx: on, rx: off}' ;;
	*) policy='{tx: on, rx: on}' ;;
	esac
	((EUID == 0)) || user=$(id -un)
	[[ $1 != *files* ]] || serve="files: {root: $T/www}"
	cat <<-END
	user: $user
	runtime-directory: $T/run-$2
	workers: 1
	limits: {connections: 100000, handshakes: 10000}
	timeouts: {idle: 1h, handshake: 5m}
	listeners:
	  - name: bench
	    address: $IP:$2
	    $serve
	    versions: [$VERSION]
	    ktls: $policy
	    certificates:
	      - {chain: $3.pem, key: $3.key}
	END
}

nginx_tls() { # VARIANT CERTIFICATE
	cat <<-END
	ssl_certificate $T/$2.pem;
	ssl_certificate_key $T/$2.key;
	ssl_protocols TLSv$VERSION;
	ssl_ecdh_curve X25519;
	ssl_ciphers ALL;
	ssl_session_cache off;
	ssl_session_tickets off;
	END
	[[ $1 != *ktls* ]] || echo "ssl_conf_command Options KTLS;"
	[[ $1 != *ticket* ]] || echo "ssl_conf_command NumTickets 1;"
}

nginx_http() { # VARIANT PORT CERTIFICATE BACKEND
	local answer="proxy_pass http://$4; proxy_http_version 1.1; proxy_set_header Connection '';"
	case $1 in
	*return*) answer='return 200 "ok\n";' ;;
	*files*) answer="root $T/www;" ;;
	esac
	cat <<-END
	http {
		access_log off;
		client_body_temp_path $T/nginx-body;
		proxy_temp_path $T/nginx-proxy;
		fastcgi_temp_path $T/nginx-fastcgi;
		uwsgi_temp_path $T/nginx-uwsgi;
		scgi_temp_path $T/nginx-scgi;
		sendfile on;
		tcp_nopush on;
		keepalive_requests 100000000;
		keepalive_timeout 3600s;
		server {
			listen $IP:$2 ssl backlog=4096;
			$(nginx_tls "$1" "$3")
			location / { $answer }
		}
	}
	END
}

nginx_stream() { # VARIANT PORT CERTIFICATE BACKEND
	cat <<-END
	stream {
		server {
			listen $IP:$2 ssl backlog=4096;
			$(nginx_tls "$1" "$3")
			proxy_timeout 3600s;
			proxy_pass $4;
		}
	}
	END
}

nginx_config() { # VARIANT PORT CERTIFICATE BACKEND
	local module=/usr/lib/nginx/modules/ngx_stream_module.so
	[[ $1 != *stream* || ! -e $module ]] || echo "load_module $module;"
	cat <<-END
	daemon off;
	user nobody nogroup;
	worker_processes 1;
	env OPENSSL_ia32cap;
	worker_rlimit_nofile 65536;
	pid $T/nginx-$2.run;
	error_log stderr crit;
	events { worker_connections 60000; }
	END
	if [[ $1 == *stream* ]]; then
		nginx_stream "$@"
	else
		nginx_http "$@"
	fi
}

hitch_config() { # VARIANT PORT CERTIFICATE BACKEND
	cat <<-END
	frontend = "[$IP]:$2"
	backend = "[${4%:*}]:${4##*:}"
	pem-file = "$(server_both_pem "$3")"
	workers = 1
	backlog = 4096
	user = "nobody"
	ciphersuites = "$SUITE13"
	tls-protos = TLSv$VERSION
	quiet = on
	keepalive = 3600
	END
}

stunnel_config() { # VARIANT PORT CERTIFICATE BACKEND
	cat <<-END
	foreground = yes
	debug = crit
	pid =
	setuid = nobody
	setgid = nogroup
	[bench]
	accept = $IP:$2
	connect = $4
	cert = $(server_both_pem "$3")
	sslVersion = TLSv$VERSION
	curves = X25519
	TIMEOUTidle = 3600
	END
}

haproxy_config() { # VARIANT PORT CERTIFICATE BACKEND
	cat <<-END
	global
		maxconn 30000
		nbthread 1
		user nobody
		group nogroup
		ssl-default-bind-curves X25519
	defaults
		mode tcp
		timeout connect 10s
		timeout client 1h
		timeout server 1h
		option splice-auto
	listen bench
		bind $IP:$2 ssl crt $(server_both_pem "$3") ssl-min-ver TLSv$VERSION ssl-max-ver TLSv$VERSION no-tls-tickets backlog 4096
		server backend $4
	END
}

# The floors have no configuration: their own words are their variant.
relay_config() { # VARIANT PORT CERTIFICATE BACKEND
	local words="$IP $2 ${4%:*} ${4##*:}"
	if [[ $1 == *ktls* ]]; then
		echo "ktls $words $T/$3.pem $T/$3.key"
	else
		echo "plain $words"
	fi
}

# ---- processes ----

server_command() { # KIND CONFIGURATION
	case $1 in
	ktlsd) COMMAND=("$BUILD/ktlsd" --config "$2") ;;
	nginx) COMMAND=(nginx -p "$T" -c "$2") ;;
	hitch) COMMAND=(hitch "--config=$2") ;;
	stunnel) COMMAND=(stunnel4 "$2") ;;
	haproxy) COMMAND=(haproxy -db -f "$2") ;;
	relay)
		read -ra COMMAND <"$2"
		COMMAND=("$BUILD/bench/relay" "${COMMAND[@]}")
		;;
	esac
}

# It listens, and its processes and threads are all there: some listen before they fork, and the thread
# that loads ktlsd's kernel programs would take its account along when it ends.
server_is_ready() { # SUBJECT PORT
	[[ $(ss -Hltn "src $IP:$2") ]] || return 1
	case $1 in
	ktlsd*)
		grep -q 'msg="ready"' "$T/$1.log" &&
			grep -qE 'attached=[0-9]|(is|are) not seen: ' "$T/$1.log"
		;;
	nginx* | hitch*) pgrep -P "$SPAWNED" >/dev/null ;;
	esac
}

server_start() { # SUBJECT CERTIFICATE BACKEND
	local subject=$1 port=$SERVER_NEXT_PORT kind=${1%%-*} config
	local -a COMMAND
	SERVER_NEXT_PORT=$((SERVER_NEXT_PORT + 1))
	config=$T/$subject-$port.conf
	"${kind}_config" "$subject" "$port" "$2" "$3" >"$config"
	server_command "$kind" "$config"
	# bit 21 of leaf 7's EBX
	[[ $subject != *noifma* ]] || COMMAND=(env OPENSSL_ia32cap=:~0x200000 "${COMMAND[@]}")
	[[ -z $SERVER_CPU ]] || COMMAND=(taskset -c "$SERVER_CPU" "${COMMAND[@]}")
	SERVER_PORT[$subject]=$port
	spawn "$subject" "${COMMAND[@]}"
	SERVER_PID[$subject]=$SPAWNED
	wait_until 90 server_is_ready "$subject" "$port" || die "$subject does not listen:" "$T/$subject.log"
}

server_stop() { # SUBJECT
	stop "${SERVER_PID[$1]}"
	unset "SERVER_PID[$1]"
}

server_pids() { # SUBJECT
	descendants "${SERVER_PID[$1]}"
}
