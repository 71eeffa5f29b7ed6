#include "source/extensions/protocols/compile_http2.h"

#include <algorithm>

#include "envoy/config/core/v3/core.pb.h"
#include "source/extensions/messages/duration.h"

namespace weir::extensions {
namespace {

using base::Diagnostics;
using base::FieldPath;
using envoy::config::core::v3::Http2ProtocolOptions;
using envoy::config::core::v3::KeepaliveSettings;

void compileBudgets(const Http2ProtocolOptions& from, http::h2::H2Budgets& to) {
  // DATA never waits as frames, so one number bounds all that does; the lower of the two counts.
  if (from.has_max_outbound_control_frames()) to.outbound_frames = from.max_outbound_control_frames().value();
  if (from.has_max_outbound_frames()) {
    to.outbound_frames = std::min(to.outbound_frames, from.max_outbound_frames().value());
  }
  if (from.has_max_consecutive_inbound_frames_with_empty_payload()) {
    to.empty.burst = from.max_consecutive_inbound_frames_with_empty_payload().value();
  }
  if (from.has_max_inbound_priority_frames_per_stream()) {
    to.priority_per_stream = from.max_inbound_priority_frames_per_stream().value();
  }
  if (from.has_max_inbound_window_update_frames_per_data_frame_sent()) {
    to.window_update_per_data = from.max_inbound_window_update_frames_per_data_frame_sent().value();
  }
}

http::KeepaliveOptions compileKeepalive(const KeepaliveSettings& from, Diagnostics& diagnostics,
                                        const FieldPath& path) {
  http::KeepaliveOptions to;
  to.timeout = durationOf(from.timeout());
  if (to.timeout <= absl::ZeroDuration()) {
    diagnostics.error(path.at("timeout"), "not above zero; allowed: 0.001s and above");
  }
  if (from.has_interval()) to.interval = durationOf(from.interval());
  if (from.has_connection_idle_interval()) to.idle_interval = durationOf(from.connection_idle_interval());
  if (from.has_interval_jitter()) to.jitter_percent = from.interval_jitter().value();
  if (to.interval == absl::ZeroDuration() && to.idle_interval == absl::ZeroDuration()) {
    diagnostics.warning(path, "has no effect; give interval or connection_idle_interval");
  }
  return to;
}

}  // namespace

void compileHttp2(const Http2ProtocolOptions& message, http::Role role, Http2Settings& settings,
                  Diagnostics& diagnostics, const FieldPath& path) {
  http::h2::H2Options& to = settings.options;
  if (message.has_hpack_table_size()) to.hpack_table_bytes = message.hpack_table_size().value();
  if (message.has_max_concurrent_streams()) to.max_concurrent_streams = message.max_concurrent_streams().value();
  if (message.has_initial_stream_window_size()) {
    to.initial_stream_window = message.initial_stream_window_size().value();
  }
  if (message.has_initial_connection_window_size()) {
    to.initial_connection_window = message.initial_connection_window_size().value();
  }
  to.allow_connect = message.allow_connect();
  if (role == http::Role::kClient && message.allow_connect()) {
    diagnostics.warning(path.at("allow_connect"),
                        "has no effect in a cluster; an upgrade is passed on where the upstream allows it");
  }
  compileBudgets(message, to.budgets);
  if (message.has_override_stream_error_on_invalid_http_message() &&
      !message.override_stream_error_on_invalid_http_message().value()) {
    diagnostics.warning(path.at("override_stream_error_on_invalid_http_message"),
                        "has no effect; a message that is not valid ends its own stream, never the others");
  }
  if (message.has_connection_keepalive()) {
    settings.keepalive = compileKeepalive(message.connection_keepalive(), diagnostics, path.at("connection_keepalive"));
  }
}

}  // namespace weir::extensions
