/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes COUNT kernel-TLS sockets over loopback, two for each connection, with keys in both directions
 * and without handshakes, prints READY, and holds them until stdin closes. For tests of how what
 * lists sockets copes with many.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OUT = 0x11, BACK = 0x22 };

static void allow_descriptors(rlim_t n)
{
	struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		err(1, "%llu descriptors", (unsigned long long)n);
}

static int make_listener(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)address, len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)address, &len))
		err(1, "listen");
	return fd;
}

static void install(int fd, int direction, unsigned char key)
{
	struct tls12_crypto_info_aes_gcm_128 info;

	memset(&info, key, sizeof(info));
	info.info = (struct tls_crypto_info){ .version = TLS_1_3_VERSION,
					      .cipher_type = TLS_CIPHER_AES_GCM_128 };
	memset(info.rec_seq, 0, sizeof(info.rec_seq));
	if (setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)))
		err(1, "keys");
}

static void make_kernel_tls(int fd, unsigned char tx, unsigned char rx)
{
	if (setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")))
		err(1, "TCP_ULP");
	install(fd, TLS_TX, tx);
	install(fd, TLS_RX, rx);
}

static void make_connection(int listener, const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		err(1, "connect");
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0)
		err(1, "accept");
	make_kernel_tls(fd, OUT, BACK);
	make_kernel_tls(peer, BACK, OUT);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct sockaddr_in address;
	int listener;

	if (!count || count % 2)
		errx(2, "usage: many COUNT, which is even");
	allow_descriptors(count + 64);
	listener = make_listener(&address);
	for (unsigned long i = 0; i < count / 2; i++)
		make_connection(listener, &address);
	puts("READY");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
