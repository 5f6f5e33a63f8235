/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons on the screen. */
#include "cli/remedy.h"

#include <stdio.h>

#include "base/reason.h"
#include "base/util.h"
#include "cli/text.h"

void remedy_print_what(int indent, const char *wire)
{
	enum reason reason = reason_find(wire);

	text_paragraph(indent, reason ? reason_what(reason) :
					"This ktlsctl does not know the reason: ktlsd is newer.");
}

void remedy_print_advice(int indent, const char *wire)
{
	_cleanup_free_ char *text = NULL;
	enum reason reason = reason_find(wire);

	if (reason && asprintf(&text, "What to do: %s", reason_remedy(reason)) >= 0)
		text_paragraph(indent, text);
}
