# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# nginx with OpenSSL's kTLS, for bats files. To be loaded after lib.

# Lines for the http block on standard input. It serves $T/www, with the ECDSA certificate.
nginx_config() {
	cat <<-END
	daemon off;
	user nobody nogroup;
	worker_processes 1;
	pid $T/nginx.run;
	error_log stderr notice;
	events { worker_connections 256; }
	http {
		access_log off;
		client_body_temp_path $T/nginx-body;
		proxy_temp_path $T/nginx-proxy;
		fastcgi_temp_path $T/nginx-fastcgi;
		uwsgi_temp_path $T/nginx-uwsgi;
		scgi_temp_path $T/nginx-scgi;
		# some send no request, and stay
		client_header_timeout 900s;
		sendfile on;
		ssl_certificate $T/ecdsa.test.pem;
		ssl_certificate_key $T/ecdsa.test.key;
		ssl_conf_command Options KTLS;
		root $T/www;
	END
	cat
	echo "}"
}

# Starts it, with what nginx_config wants.
nginx_start() {
	mkdir -p "$T/www"
	nginx_config >"$T/nginx.conf"
	spawn nginx nginx -p "$T" -c "$T/nginx.conf"
	wait_log nginx 'start worker process '
}
