#include "source/proxy/listener/listener_log.h"

#include "source/net/transport_info.h"

namespace weir::proxy {

void ListenerLog::connectionOver(const DownstreamInfo& known, const net::Connection* connection,
                                 base::MonotonicTime opened, http::Reason reason,
                                 const net::WorkerContext& worker) const {
  if (logs_.empty()) return;
  filter::StreamInfo info;
  info.start = opened;
  info.complete = worker.dispatcher.now();
  info.start_wall = worker.dispatcher.wallNow() - (*info.complete - opened);
  info.listener = facts_.get();
  info.connection_id = known.connection_id;
  info.downstream_local = known.local;
  info.downstream_local_restored = known.local_restored;
  info.downstream_direct_remote = info.downstream_remote = known.remote;
  info.requested_server_name = known.server_name;
  info.fingerprints = known.fingerprints.get();
  info.reason = reason;
  if (connection != nullptr) {
    info.downstream_transport = connection->transportInfo();
    info.bytes_received = connection->bytesRead();
    info.bytes_sent = connection->bytesWritten();
  }
  for (const std::unique_ptr<filter::AccessLog>& log : logs_) log->log(info, worker);
}

}  // namespace weir::proxy
