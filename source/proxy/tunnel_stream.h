// TunnelStream: a tunnel that ends here: what the client sends into it goes to the upstream as plain bytes, and what
// the upstream sends comes back, behind a response head that weir makes. Made by an UpstreamAttempt with a connection
// of its own, and destroyed by its StreamPtr. One worker.
//
// The end of the request is the end of the bytes to the upstream, which may still answer; the end of the upstream's
// bytes is the end of the response, and a stream that is released then hands over what was not written yet. A
// connection that breaks off makes the response fail, after what had come before.
#pragma once

#include <optional>

#include "source/buffer/buffer.h"
#include "source/http/stream.h"
#include "source/net/connection.h"
#include "source/net/worker_context.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"

namespace weir::proxy {

class TunnelStream final : public http::Stream, private net::Session {
 public:
  // `cluster` and `worker` outlive it; `connected` is the cluster's.
  static http::StreamPtr open(upstream::WorkerCluster& cluster, const net::WorkerContext& worker,
                              upstream::ConnectReceiver::Connected connected);

  void setOwner(http::StreamOwner& owner, base::Arena& arena) override;
  std::optional<http::Part> receive() override;
  size_t room() const override;
  void send(http::Part part) override;
  void reset(http::Reason reason) override;
  http::Reason lost() const override { return broken_ ? http::Reason::kUpstreamReset : http::Reason::kNone; }

 private:
  TunnelStream(upstream::WorkerCluster& cluster, const net::WorkerContext& worker,
               upstream::ConnectReceiver::Connected connected);

  void release() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;
  void wake();

  upstream::WorkerCluster& cluster_;
  const net::WorkerContext& worker_;
  upstream::ConnectReceiver::Connected upstream_;  // without a connection once that is closed
  buffer::Buffer rest_;                            // what a connection that is closed had still brought
  http::StreamOwner* owner_ = nullptr;
  base::Arena* arena_ = nullptr;
  bool answered_ = false;  // the head was given
  bool over_ = false;      // End or Failed was given, or it was reset
  bool end_sent_ = false;
  bool broken_ = false;
};

}  // namespace weir::proxy
