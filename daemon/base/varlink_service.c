/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.varlink.service, answered through the public side of the codec. */
#include "base/varlink_service.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/varlink.h"

static const char standard_description[] = "# What every Varlink service offers.\n"
					   "interface org.varlink.service\n\n"
					   "method GetInfo() -> (\n"
					   "  vendor: string,\n"
					   "  product: string,\n"
					   "  version: string,\n"
					   "  url: string,\n"
					   "  interfaces: []string\n"
					   ")\n\n"
					   "method GetInterfaceDescription(interface: string) -> "
					   "(description: string)\n\n"
					   "error InterfaceNotFound (interface: string)\n"
					   "error MethodNotFound (method: string)\n"
					   "error MethodNotImplemented (method: string)\n"
					   "error InvalidParameter (parameter: string)\n"
					   "error PermissionDenied ()\n"
					   "error ExpectedMore ()\n";

int varlink_service_error(struct varlink_conn *conn, const char *error, const char *key,
			  const char *value)
{
	struct json *parameters = json_new();
	char name[128];

	snprintf(name, sizeof(name), VARLINK_SERVICE ".%s", error);
	if (key)
		json_set_string(parameters, key, value);
	return varlink_error(conn, name, parameters);
}

static int info_reply(struct varlink_conn *conn, const struct varlink_service *service)
{
	struct json *info = json_new(), *interfaces = json_new_array();

	json_append_string(interfaces, VARLINK_SERVICE);
	json_append_string(interfaces, service->interface);
	json_set_string(info, "vendor", service->vendor);
	json_set_string(info, "product", service->product);
	json_set_string(info, "version", service->version);
	json_set_string(info, "url", service->url);
	json_set(info, "interfaces", interfaces);
	return varlink_reply(conn, info);
}

static int description_reply(struct varlink_conn *conn, const struct varlink_service *service,
			     struct json *parameters)
{
	const char *interface, *text;
	struct json *description;

	if (json_get_string(parameters, "interface", &interface))
		return varlink_error_invalid_parameter(conn, "interface");
	if (!strcmp(interface, service->interface))
		text = service->description;
	else if (!strcmp(interface, VARLINK_SERVICE))
		text = standard_description;
	else
		return varlink_service_error(conn, "InterfaceNotFound", "interface", interface);
	description = json_new();
	json_set_string(description, "description", text);
	return varlink_reply(conn, description);
}

int varlink_service_call(struct varlink_conn *conn, const struct varlink_service *service,
			 const char *method, struct json *parameters)
{
	if (!strcmp(method, "GetInfo"))
		return info_reply(conn, service);
	if (!strcmp(method, "GetInterfaceDescription"))
		return description_reply(conn, service, parameters);
	return varlink_error_method_not_found(conn);
}
