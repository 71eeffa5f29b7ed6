// What a listener or a cluster sets for its HTTP/2 connections. Compiled at load, const afterwards; outlives every
// codec that was made with it. The defaults are safe at the edge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/field_rules.h"

namespace weir::http::h2 {

struct H2Limits {
  // A header section as RFC 9113 6.5.2 counts it: names, values and 32 bytes for each field, pseudo-headers and every
  // piece of a split cookie included. Announced to the peer.
  uint32_t head_bytes = 60 * 1024;
  uint32_t head_fields = 100;
  uint32_t path_bytes = 8 * 1024;
  // Informational heads before the final one.
  uint32_t interim_heads = 32;
};

// How much of what costs the peer little and weir much is taken. `burst` at once, then `per_second`; the sources of
// the numbers are in budgets.cc. Exceeding one ends the connection.
struct H2Budget {
  uint32_t burst;
  uint32_t per_second;
};
struct H2Budgets {
  H2Budget ping = {100, 10};  // and one for each DATA or HEADERS frame that weir sent
  H2Budget settings = {50, 1};
  H2Budget empty = {100, 10};    // DATA and CONTINUATION frames without content that end nothing
  H2Budget unknown = {100, 10};  // frames of unknown types
  H2Budget resets = {500, 33};   // received or provoked; one is given back for each stream that ended whole
  uint32_t continuations = 8;    // of one header section
  uint32_t priority_per_stream = 100;
  uint32_t window_update_base = 5;
  uint32_t window_update_per_data = 10;
  // Frames that wait to be written beside DATA: acknowledgements, resets, heads.
  uint32_t outbound_frames = 1000;
};

struct H2Options {
  H2Limits limits = {};
  H2Budgets budgets = {};
  // Server: announced. Client: as many as are opened at most, whatever the server allows.
  uint32_t max_concurrent_streams = 100;
  // Received bytes that nobody has taken yet: of one stream, and of all together.
  uint32_t initial_stream_window = 64 * 1024;
  uint32_t initial_connection_window = 1024 * 1024;
  // Bytes to send that wait for the peer's window: of one stream, and of all together, but each stream may have a
  // small part of its own whatever the others hold.
  size_t stream_send_bytes = 64 * 1024;
  size_t connection_send_bytes = 1024 * 1024;
  uint32_t hpack_table_bytes = 4096;
  // Server: extended CONNECT (RFC 8441) is announced and taken as an upgrade.
  bool allow_connect = false;
  UnderscoreAction underscores = UnderscoreAction::kAllow;
};

}  // namespace weir::http::h2
