# SPDX-License-Identifier: GPL-2.0-or-later
# Provides the target ktlsd::wolfssl. With the system's library its users are compiled with
# KTLSD_WOLFSSL_SYSTEM=1: that one has no secret callback.

set(KTLSD_WOLFSSL bundled CACHE STRING
	"bundled (5.9, static, built once into a cache), system (>= 5.5.4), or an install prefix")
set_property(CACHE KTLSD_WOLFSSL PROPERTY STRINGS bundled system)

# Sets PREFIX to the install prefix of the bundled build, or to nothing when there is no source.
function(ktlsd_wolfssl_build PREFIX)
	set(build ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/build)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${build})
	execute_process(COMMAND ${build} RESULT_VARIABLE status OUTPUT_VARIABLE output
		OUTPUT_STRIP_TRAILING_WHITESPACE)
	if(status EQUAL 0)
		string(REGEX REPLACE "^.*\n" "" output "${output}")
		set(${PREFIX} ${output} PARENT_SCOPE)
	elseif(status EQUAL 3)
		set(${PREFIX} "" PARENT_SCOPE)
	else()
		message(FATAL_ERROR "wolfSSL: ${build} failed (${status}); "
			"-DKTLSD_WOLFSSL=system takes the system's library")
	endif()
endfunction()

function(ktlsd_wolfssl_use_prefix PREFIX)
	set(library ${PREFIX}/lib/libwolfssl.a)
	set(options ${PREFIX}/include/wolfssl/options.h)
	if(NOT EXISTS ${library} OR NOT EXISTS ${options})
		message(FATAL_ERROR "wolfSSL: no static build in ${PREFIX}")
	endif()
	foreach(option HAVE_SECRET_CALLBACK ATOMIC_USER)
		file(STRINGS ${options} found REGEX "^#define ${option}$")
		if(NOT found)
			message(FATAL_ERROR "wolfSSL in ${PREFIX} was built without ${option}")
		endif()
	endforeach()
	find_package(Threads REQUIRED)
	add_library(ktlsd::wolfssl STATIC IMPORTED GLOBAL)
	set_target_properties(ktlsd::wolfssl PROPERTIES
		IMPORTED_LOCATION ${library}
		INTERFACE_INCLUDE_DIRECTORIES ${PREFIX}/include)
	add_library(ktlsd_random STATIC ${PROJECT_SOURCE_DIR}/daemon/tls/random.c)
	target_include_directories(ktlsd_random PRIVATE ${PROJECT_SOURCE_DIR}/daemon)
	target_link_libraries(ktlsd_random PRIVATE ktlsd_options)
	target_link_libraries(ktlsd::wolfssl INTERFACE ktlsd_random m Threads::Threads)
	message(STATUS "wolfSSL: ${library}")
endfunction()

function(ktlsd_wolfssl_use_system)
	find_package(PkgConfig REQUIRED)
	pkg_check_modules(WOLFSSL REQUIRED IMPORTED_TARGET GLOBAL wolfssl>=5.5.4)
	add_library(ktlsd::wolfssl INTERFACE IMPORTED GLOBAL)
	target_link_libraries(ktlsd::wolfssl INTERFACE PkgConfig::WOLFSSL)
	target_compile_definitions(ktlsd::wolfssl INTERFACE KTLSD_WOLFSSL_SYSTEM=1)
	message(STATUS "wolfSSL: the system's ${WOLFSSL_VERSION}")
endfunction()

if(KTLSD_WOLFSSL STREQUAL "bundled")
	ktlsd_wolfssl_build(prefix)
	if(prefix)
		ktlsd_wolfssl_use_prefix(${prefix})
	else()
		message(WARNING "wolfSSL: no source of 5.9 to be had; using the system's library: "
			"slower handshakes and more memory (with 5.5.4: 4 to 8 times, 13 times)")
		ktlsd_wolfssl_use_system()
	endif()
elseif(KTLSD_WOLFSSL STREQUAL "system")
	ktlsd_wolfssl_use_system()
else()
	ktlsd_wolfssl_use_prefix(${KTLSD_WOLFSSL})
endif()
