// SPDX-License-Identifier: GPL-2.0-or-later
// Looks at the status page as a person would, with connections that are made to fall back and to end;
// see run. Prints TAP.
"use strict";
const assert = require("assert");
const { execFileSync } = require("child_process");
const net = require("net");
const path = require("path");
const tls = require("tls");
const { chromium } = require("playwright-core");

const [ctl, work, page_port, web_port, plain_port] = process.argv.slice(2);
const URL = `http://127.0.0.1:${page_port}/`;
const SOON_MS = 5000;
const complaints = [];
let browser, page, n_tests = 0, n_failed = 0;

async function test(name, body) {
	try {
		await body();
		assert.deepStrictEqual(complaints.splice(0), [], "the console is quiet");
		console.log(`ok ${++n_tests} - ${name}`);
	} catch (error) {
		n_failed++;
		console.log(`not ok ${++n_tests} - ${name}\n` + String(error.stack).replace(/^/gm, "# "));
	}
}

// What ktlsctl says; exit code 3 is that it knows of problems.
function ask(...command) {
	const options = { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "pipe"] };
	try {
		return execFileSync(ctl, [...command, "--json", "--socket", `${work}/run/api.sock`], options);
	} catch (error) {
		if (error.status !== 3) throw error;
		return error.stdout;
	}
}
const explain = reason => JSON.parse(execFileSync(ctl, ["explain", reason, "--json"], { encoding: "utf8" })).reasons[0];
// A connection is open to the client before it is counted.
async function until(what) {
	for (const deadline = Date.now() + SOON_MS; Date.now() < deadline;) {
		const value = what();
		if (value) return value;
		await new Promise(resolve => setTimeout(resolve, 50));
	}
	throw new Error(`never: ${what}`);
}
const reasons_of = where => JSON.parse(ask("status")).reasons.filter(r => (r.where === "end") === (where === "end") && r.count);

function connect(port, servername) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
		socket.on("secureConnect", () => resolve(socket)).on("error", reject);
	});
}
function ended(socket) {
	return new Promise(resolve => socket.on("close", resolve).resume());
}

async function open(options) {
	const p = await browser.newPage(options);
	p.on("console", m => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
	p.on("pageerror", error => complaints.push(error.message));
	p.on("request", r => r.url().startsWith(URL) || complaints.push(`asks for ${r.url()}`));
	await p.goto(URL);
	await p.waitForSelector("#figures dd");
	return p;
}

// The page says so within five seconds; a function that runs in the page.
const soon = (what, ...rest) => page.waitForFunction(what, ...rest.length ? rest : [null], { timeout: SOON_MS });
const figure = name => page.$$eval("#figures div", (all, n) => all.find(d => d.querySelector("dt").textContent === n)
	.querySelector("dd").textContent, name);
const rows = () => page.$$eval("#list tbody tr", all => all.map(tr => [...tr.cells].map(td => td.textContent)));

// Whether a part of the page has a reason, that opens, with what to do about it.
async function tells(part, reason) {
	const text = explain(reason);
	await soon(([id, r]) => [...document.querySelectorAll(`#${id} summary code`)].some(c => c.textContent === r), [part, reason]);
	const details = page.locator(`#${part} details`, { has: page.locator("summary code", { hasText: new RegExp(`^${reason}$`) }) }).first();
	if (!await details.evaluate(d => d.open)) await details.locator("summary").click();
	const said = await details.innerText();
	assert.ok(said.includes(text.what) && said.includes(text.remedy), `${reason}: ${said}`);
}

async function test_all() {
	const held = [];

	await test("at first nothing has fallen back", async () => {
		assert.match(await page.innerText("#reasons"), /Nothing has fallen back/);
		assert.strictEqual(await figure("Kernel TLS"), JSON.parse(ask("status")).ktls ? "yes" : "no");
	});
	await test("a fallback appears within 5 s, with its remedy", async () => {
		held.push(await connect(web_port));
		await tells("reasons", (await until(() => reasons_of("fallback")[0])).reason);
	});
	await test("so does another", async () => {
		held.push(await connect(plain_port), await connect(plain_port));
		await tells("reasons", "policy-off");
	});
	await test("so does the end of a connection", async () => {
		const socket = net.connect(plain_port, "127.0.0.1").on("error", () => {});
		socket.write("GET / HTTP/1.0\r\n\r\n");
		await ended(socket);
		await tells("ends", (await until(() => reasons_of("end")[0])).reason);
	});
	await test("figures and rows are those of ktlsctl", () => figures());
	await test("others' sockets count beside ktlsd's own", () => others());
	await test("what was opened stays open", async () => {
		const before = await page.$$eval("details[open]", all => all.length);
		assert.ok(before);
		await page.waitForResponse(`${URL}status.json`);
		await page.waitForResponse(`${URL}status.json`);
		assert.strictEqual(await page.$$eval("details[open]", all => all.length), before);
	});
	await test("filters and order", () => filters());
	await test("a server name with markup in it stays text", async () => {
		held.push(await connect(web_port, "<img src=x onerror=alert(1)>.test").catch(() => null));
		await page.waitForResponse(`${URL}status.json`);
		await page.waitForResponse(`${URL}status.json`);
		assert.strictEqual(await page.$$eval("main img", all => all.length), 0);
	});
	await test("so does markup in any text of an answer", () => markup());
	await test("it says when ktlsd is gone, and keeps what it had", () => gone());
	for (const colorScheme of ["light", "dark"])
		for (const width of [1200, 360])
			await test(`${colorScheme}, ${width} px: axe finds nothing, nothing scrolls sideways`, () => look(colorScheme, width));
	await test("the page may load nothing from elsewhere", async () => {
		const policy = (await page.request.get(URL)).headers()["content-security-policy"];
		assert.match(policy || "no content-security-policy", /default-src 'none'/);
	});
	held.forEach(socket => socket && socket.destroy());
}

async function figures() {
	const status = JSON.parse(ask("status")), groups = JSON.parse(ask("stats")).sockets;
	const listed = JSON.parse(ask("list")).connections;
	const in_mode = mode => listed.filter(c => c.tx.mode === mode).length;
	const kernel = groups.filter(g => g.direction === "tx" && g.mode === "kernel").reduce((n, g) => n + g.sockets, 0);
	await soon(n => document.querySelectorAll("#list tbody tr").length === n, listed.length);
	assert.deepStrictEqual((await rows()).map(r => r[0]).sort(), listed.map(c => String(c.cookie)).sort());
	assert.strictEqual(await figure("Open connections"), String(status.counters.find(c => c.name === "connections_open").value));
	assert.strictEqual(in_mode("kernel"), kernel);
	assert.strictEqual(await figure("Sending in kernel"), `${Math.round(100 * kernel / (kernel + in_mode("user")))} %`);
	const words = [["kernel", "kernel"], ["user", "user space"]].filter(([m]) => in_mode(m)).map(([m, text]) => `${in_mode(m)} ${text}`);
	assert.ok((await page.innerText("#modes")).includes(`Sending: ${words.join(", ")}`));
	assert.ok((await page.innerText("#about")).includes(`${status.version} on Linux ${status.kernel}`));
	const counts = part => page.$$eval(`#${part} summary`, all => all.map(s =>
		[s.querySelector("code").textContent, s.querySelector(".count").textContent.replace(/\D/g, "")].join(" ")).sort());
	const wanted = where => reasons_of(where).map(r => `${r.reason} ${r.count}`).sort();
	assert.deepStrictEqual(await counts("reasons"), wanted("fallback"));
	assert.deepStrictEqual(await counts("ends"), wanted("end"));
}

// A host whose kernel has TLS, as far as the page can tell.
async function others() {
	const p = await browser.newPage();
	await p.route("**/status.json", async route => {
		const response = await route.fetch(), json = await response.json();
		json.stats.sockets = [{ owner: "other", direction: "tx", mode: "kernel", sockets: 5, records: 0 }];
		await route.fulfill({ response, json });
	});
	await p.goto(URL);
	await p.waitForSelector("#modes p");
	const own = JSON.parse(ask("list")).connections.length;
	assert.ok((await p.innerText("#modes")).includes(`Sending: 5 kernel, ${own} user space`), await p.innerText("#modes"));
	await p.close();
}

async function filters() {
	const all = await rows(), plain = all.filter(r => r[2] === "plain");
	assert.ok(plain.length === 2 && all.length > 2, JSON.stringify(all));
	await page.selectOption("#f-reason", "policy-off");
	assert.deepStrictEqual((await rows()).map(r => r[2]), ["plain", "plain"]);
	await page.waitForResponse(`${URL}status.json`);
	assert.strictEqual(await page.inputValue("#f-reason"), "policy-off");
	await page.selectOption("#f-reason", "");
	await page.fill("#f-text", plain[0][4]);
	assert.deepStrictEqual((await rows()).map(r => r[0]), [plain[0][0]]);
	await page.fill("#f-text", "");
	await page.selectOption("#f-mode", "user");
	assert.strictEqual((await rows()).length, all.length);
	await page.selectOption("#f-mode", "");
	await page.selectOption("#f-owner", "ktlsd");
	assert.strictEqual((await rows()).length, all.length);
	await page.selectOption("#f-owner", "");
	const cookies = async () => (await rows()).map(r => Number(r[0]));
	const down = await cookies();
	await page.click("#list th button[data-key=cookie]");
	assert.deepStrictEqual(await cookies(), down.reverse());
	assert.strictEqual(await page.getAttribute("#list th:first-child", "aria-sort"), "ascending");
}

// Every text of the answer becomes markup, but for words that the page compares.
function poison(value, key) {
	const compared = ["where", "direction", "mode", "name", "class", "owner", "event"];
	if (typeof value === "string") return compared.includes(key) ? value : `<img src=x onerror="window.hit=1">${value}`;
	if (Array.isArray(value)) return value.map(v => poison(v, key));
	if (value && typeof value === "object")
		return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]));
	return value;
}
async function markup() {
	const p = await browser.newPage();
	await p.route("**/status.json", async route => {
		const response = await route.fetch();
		await route.fulfill({ response, json: poison(await response.json()) });
	});
	await p.goto(URL);
	await p.waitForSelector("#list tbody tr");
	assert.strictEqual(await p.$$eval("main img", all => all.length), 0);
	assert.strictEqual(await p.evaluate(() => window.hit), undefined);
	assert.ok((await p.innerText("#list tbody")).includes("<img src=x onerror"));
	await p.close();
}

async function gone() {
	const p = await browser.newPage();
	await p.goto(URL);
	await p.waitForSelector("#list tbody tr");
	await p.route("**/status.json", route => route.abort());
	await p.waitForFunction(() => /does not answer/.test(document.querySelector("#trouble").textContent), null, { timeout: SOON_MS });
	assert.ok(await p.$("#list tbody tr"));
	await p.unroute("**/status.json");
	await p.waitForFunction(() => !document.querySelector("#trouble").textContent, null, { timeout: SOON_MS });
	await p.close();
}

async function look(colorScheme, width) {
	const p = await open({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
	await p.waitForSelector("#list tbody tr");
	await p.click("#reasons summary >> nth=0");
	await p.click("#ends summary >> nth=0");
	await p.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
	const found = await p.evaluate(() => axe.run());
	assert.deepStrictEqual(found.violations.map(v => `${v.id}: ${v.nodes.map(node => node.html).join(" ")}`), []);
	assert.ok(await p.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), "scrolls sideways");
	await p.screenshot({ path: path.join(path.dirname(ctl), "page", `${colorScheme}-${width}.png`), fullPage: true });
	await p.close();
}

(async () => {
	browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"] });
	try {
		page = await open({ viewport: { width: 1200, height: 900 } });
		await test_all();
	} finally {
		await browser.close();
	}
	console.log(`1..${n_tests}`);
	process.exitCode = n_failed ? 1 : 0;
})().catch(error => {
	console.log(`not ok the browser\n` + String(error.stack).replace(/^/gm, "# "));
	process.exitCode = 1;
});
