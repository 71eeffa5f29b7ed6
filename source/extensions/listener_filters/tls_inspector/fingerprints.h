// ja3Of, ja4Of: short names for what a ClientHello says, by which programs that say it can be told apart. Values of
// GREASE (RFC 8701) do not count. Pure; any thread. github.com/salesforce/ja3, github.com/FoxIO-LLC/ja4
#pragma once

#include <string>

#include "source/extensions/listener_filters/tls_inspector/client_hello.h"

namespace weir::extensions::tls_inspector {

// The MD5 of version, suites, extensions, groups and point formats, in the order in which they come.
std::string ja3Of(const ClientHello& hello);
// What can be read by people, and the beginnings of two SHA-256 over sorted suites and extensions.
std::string ja4Of(const ClientHello& hello);

}  // namespace weir::extensions::tls_inspector
