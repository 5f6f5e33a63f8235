// SPDX-License-Identifier: GPL-2.0-or-later
// Prints as many ports of the loopback address as asked for, which are free now.
"use strict";
const net = require("net");
const servers = Array.from({ length: Number(process.argv[2]) }, () => net.createServer());
let n = 0;

for (const server of servers)
	server.listen(0, "127.0.0.1", () => {
		console.log(server.address().port);
		if (++n === servers.length) servers.forEach(s => s.close());
	});
