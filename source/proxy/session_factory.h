// TerminalSession, SessionFactory: what stands behind the network filters of a chain and takes or makes the bytes: the
// HTTP connection manager, the TCP proxy, echo, ... A factory is one configured terminal filter: made at load,
// immutable, shared by workers. create() is called once per downstream connection, which owns the session.
// SessionRegistry: the terminals that weir has, by the full name of their configuration message; filled by
// source/extensions/registry.cc at start, read only after it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "source/base/clock.h"
#include "source/base/diagnostics.h"
#include "source/filter/access_log.h"
#include "source/filter/http_filter_factory.h"
#include "source/filter/listener_facts.h"
#include "source/filter/side_call.h"
#include "source/net/client_fingerprints.h"
#include "source/net/connection.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster_manager.h"

namespace weir::proxy {

class ExchangePool;

// What sessions of one worker share beyond the WorkerContext. Made by the worker, which owns all that it names.
struct Services {
  const net::WorkerContext& worker;
  upstream::ClusterManager& clusters;
  ExchangePool& exchanges;       // source/proxy/exchange_pool.h
  uint64_t& last_connection_id;  // downstream connections of this worker are numbered from it
  const bool& draining;          // the worker is shutting down: answer with Connection: close
  filter::SideCaller& side_calls;
};

// Of the listener and chain that accepted the connection.
struct DownstreamInfo {
  uint64_t connection_id = 0;
  net::Address local;
  net::Address remote;
  std::string server_name = {};  // asked for in a ClientHello that was only looked at (tls_inspector)
  std::shared_ptr<const net::ClientFingerprints> fingerprints = nullptr;  // likewise; null: none
  std::shared_ptr<const std::string> proxy_tlvs = nullptr;                // see filter::StreamInfo; null: none
  bool local_restored = false;  // `local` is where the client was going, not where it has arrived

  bool operator==(const DownstreamInfo&) const = default;
};

// What is left of a session while its connection has nothing under way.
struct SessionRest {
  base::MonotonicTime idle_since;
  base::MonotonicTime deadline;  // when it wants to go on, whatever happens; the largest value: never
  uint64_t requests = 0;         // that it has served
};

class TerminalSession : public net::Session {
 public:
  // Called once, right after the connection was accepted, before any bytes.
  virtual void onAccepted() {}
  // Finish what is in flight, take nothing new, then close the connection. May be called more than once.
  virtual void drain() = 0;

  // False from then on when rest() will never answer.
  virtual bool rests() const { return false; }
  // None unless nothing is under way and SessionFactory::resume() can make it anew from what is returned and its
  // arguments.
  virtual std::optional<SessionRest> rest() const { return std::nullopt; }
  // It is destroyed next, and made anew later: to the world it lives on, and it says and counts nothing. Only after
  // rest().
  virtual void leave() {}
};

class SessionFactory {
 public:
  virtual ~SessionFactory() = default;
  // `connection`, `services` and `info` outlive the session.
  virtual std::unique_ptr<TerminalSession> create(const Services& services, net::Connection& connection,
                                                  const DownstreamInfo& info) const = 0;
  // Whether its sessions may answer rest().
  virtual bool rests() const { return false; }
  // Makes one anew, of a connection that was opened at `opened`. Only called when rests().
  virtual std::unique_ptr<TerminalSession> resume([[maybe_unused]] const Services& services,
                                                  [[maybe_unused]] net::Connection& connection,
                                                  [[maybe_unused]] const DownstreamInfo& info,
                                                  [[maybe_unused]] const SessionRest& rest,
                                                  [[maybe_unused]] base::MonotonicTime opened) const {
    return nullptr;
  }
  // The clusters that it may send to, for the start-up line and `weir check`.
  virtual std::vector<std::string> clusters() const = 0;
  // The connection's input buffer must be allowed to hold this much, whatever the listener's limit.
  virtual size_t inputBytes() const { return 0; }
};

// Opens what access log configurations name; owned by the server.
class LogSinks {
 public:
  virtual ~LogSinks() = default;
  // The same path gives the same sink. "/dev/stdout" and "/dev/stderr" are the process's own.
  virtual absl::StatusOr<filter::LogSink*> open(std::string_view path) = 0;
};

struct AccessLogType;
class AccessLogRegistry;

struct SessionContext {
  stats::Registry& stats;
  base::Diagnostics& diagnostics;
  const base::FieldPath& path;  // of the configuration message
  const base::Clock& clock;
  const filter::HttpFilterRegistry& http_filters;
  const AccessLogRegistry& access_logs;
  LogSinks& sinks;
  // What is wrong with that name of a cluster; empty where one has it.
  const std::function<std::string(std::string_view)>& cluster_problem;
  bool schema_only = false;             // do not open or read files that the configuration names
  bool cluster_by_server_name = false;  // sni_cluster stands in front
  std::shared_ptr<const filter::ListenerFacts> listener = nullptr;  // null: nothing is said
};

struct SessionType {
  std::string config_type;  // "envoy.extensions.filters.network.echo.v3.Echo"
  std::string usual_name;   // "envoy.filters.network.echo"
  // Null after at least one error was reported.
  std::function<std::unique_ptr<SessionFactory>(const google::protobuf::Message&, const SessionContext&)> make;
};

class SessionRegistry {
 public:
  absl::Status add(SessionType type);
  const SessionType* byConfigType(std::string_view full_name) const;

 private:
  std::map<std::string, SessionType, std::less<>> types_;
};

// Access loggers, by the full name of their configuration message.
struct AccessLogType {
  std::string config_type;
  std::string usual_name;
  std::function<std::unique_ptr<filter::AccessLog>(const google::protobuf::Message&, const SessionContext&)> make;
};

class AccessLogRegistry {
 public:
  absl::Status add(AccessLogType type);
  const AccessLogType* byConfigType(std::string_view full_name) const;

 private:
  std::map<std::string, AccessLogType, std::less<>> types_;
};

}  // namespace weir::proxy
