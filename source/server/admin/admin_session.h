// AdminSession: one connection to the admin endpoint: runs the HTTP/1 codec and answers one request at a time through
// AdminPages. Made by AdminSessionFactory, owned by its DownstreamConnection; lives on the main thread's dispatcher.
//
//   waiting -> reading (a request came; its body is dropped) -> sending -> waiting, or closed when the codec says so
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/base/arena.h"
#include "source/filter/access_log.h"
#include "source/http/h1/h1_codec.h"
#include "source/proxy/session_factory.h"
#include "source/server/admin/admin_pages.h"

namespace weir::server {

class AdminSession final : public proxy::TerminalSession,
                           private http::CodecOwner,
                           private http::StreamOwner,
                           private net::ReadWake,
                           private net::WriteWake {
 public:
  // What all sessions share; outlives them.
  struct Shared {
    const AdminPages& pages;
    std::span<const std::unique_ptr<filter::AccessLog>> access_logs;
    http::h1::H1Options h1;
  };

  AdminSession(const Shared& shared, const proxy::Services& services, net::Connection& connection,
               const proxy::DownstreamInfo& info);
  ~AdminSession() override;

  void onAccepted() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override { codec_.onRoom(); }
  void onClose(net::CloseReason reason) override;
  void drain() override;

 private:
  void onStream(http::StreamPtr stream) override;
  void onOutput() override;
  void onConsumed() override { connection_.consumed(); }
  void onStreamEnd() override { net::ReadWake::wake(); }
  void wakeStream() override { net::ReadWake::wake(); }
  void onReadPhase() override;
  void onWritePhase() override;

  // True when the stream is over.
  bool readRequest();
  bool sendBody();
  void answer();
  void finishStream();
  void log();
  void closeWhenFinished();

  const Shared& shared_;
  const proxy::Services& services_;
  net::Connection& connection_;
  const proxy::DownstreamInfo info_;
  base::Arena arena_;
  http::h1::H1Codec codec_;
  http::StreamPtr stream_;
  http::Head* request_ = nullptr;
  http::Head* response_ = nullptr;  // once it was sent
  AdminResponse content_;
  size_t sent_ = 0;
  filter::StreamInfo log_info_;
  bool closed_ = false;
};

class AdminSessionFactory final : public proxy::SessionFactory {
 public:
  // Both outlive it.
  AdminSessionFactory(const AdminPages& pages, std::span<const std::unique_ptr<filter::AccessLog>> access_logs);

  std::unique_ptr<proxy::TerminalSession> create(const proxy::Services& services, net::Connection& connection,
                                                 const proxy::DownstreamInfo& info) const override;
  std::vector<std::string> clusters() const override { return {}; }
  size_t inputBytes() const override { return shared_.h1.limits.head_bytes + 1024; }

 private:
  AdminSession::Shared shared_;
};

}  // namespace weir::server
